"""From a finished run to a verdict: evidence, validity, objectives, score."""

from faultline.grading.evidence import Evidence, LoadReport
from faultline.grading.grade import Graded, grade, wait_complete
from faultline.grading.series import series

__all__ = ["Evidence", "Graded", "LoadReport", "grade", "series", "wait_complete"]
