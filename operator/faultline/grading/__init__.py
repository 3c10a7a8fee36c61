"""From a finished run to a verdict: evidence, validity, objectives, score."""

from faultline.grading.checking import check
from faultline.grading.evidence import Evidence, LoadReport
from faultline.grading.grade import Graded, grade, wait_complete
from faultline.grading.series import series

__all__ = ["Evidence", "Graded", "LoadReport", "check", "grade", "series", "wait_complete"]
