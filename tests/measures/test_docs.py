"""docs/measures.md is what the code says."""

from __future__ import annotations

from faultline.measures import MEASURES
from faultline.measures.__main__ import PAGE, page


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "python -m faultline.measures"


def test_every_parameter_is_described():
    for name, measure in MEASURES.items():
        for field, info in measure.model_fields.items():
            assert info.description, f"{name}.{field}"
