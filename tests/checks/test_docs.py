"""docs/checks.md is what the code says."""

from __future__ import annotations

from faultline.checks import CHECKS
from faultline.checks.__main__ import PAGE, page
from faultline.measures import MEASURES


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "python -m faultline.checks"


def test_every_parameter_is_described():
    for name, check in CHECKS.items():
        for field, info in check.model_fields.items():
            assert info.description, f"{name}.{field}"


def test_no_check_has_the_name_of_a_measure():
    assert CHECKS.keys() & MEASURES.keys() == set()
