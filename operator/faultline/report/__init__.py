"""What a person reads after a run: one HTML page for one run or several side by side, and the same as plain rows."""

from faultline.report.html import STATIC, render
from faultline.report.record import RunRecord, read
from faultline.report.text import Lost, Row, by_history_alone, check_gist, comparison, lost_points, missed
from faultline.report.timeline import rows

__all__ = [
    "STATIC",
    "Lost",
    "Row",
    "RunRecord",
    "by_history_alone",
    "check_gist",
    "comparison",
    "lost_points",
    "missed",
    "read",
    "render",
    "rows",
]
