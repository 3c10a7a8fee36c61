"""docs/validity.md is what the code says."""

from __future__ import annotations

from faultline.grading.validity.__main__ import PAGE, page


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "python -m faultline.grading.validity"
