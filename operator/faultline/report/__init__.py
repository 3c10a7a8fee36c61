"""What a person reads after a run: one HTML page for one run or several side by side, and the same as plain rows."""

from faultline.report.html import STATIC, render
from faultline.report.record import RunRecord, read
from faultline.report.text import Lost, Row, comparison, lost_points

__all__ = ["STATIC", "Lost", "Row", "RunRecord", "comparison", "lost_points", "read", "render"]
