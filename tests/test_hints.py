import pytest

from faultline import hints
from faultline.errors import InvalidInput, NotFound


def test_rungs_keep_their_order_and_text():
    text = "# Hints\nintro\n\n## Rung 1: The symptom\n\nLook at *errors*.\n\n## Rung 2: Why\nBecause.\n### detail\nx\n"
    assert [(each.title, each.text) for each in hints.parse(text, "HINTS.md")] == [
        ("The symptom", "Look at *errors*."),
        ("Why", "Because.\n### detail\nx"),
    ]


def test_a_rung_that_is_missing_is_named():
    with pytest.raises(InvalidInput, match=r"rung 2 must be `## Rung 2: title`, got 3"):
        hints.parse("## Rung 1: a\n## Rung 3: b\n", "HINTS.md")


def test_no_rung_at_all_is_an_error():
    with pytest.raises(InvalidInput, match="has no `## Rung 1: title`"):
        hints.parse("# Hints\n", "HINTS.md")


def test_a_scenario_without_hints_sends_to_the_lesson(tmp_path):
    with pytest.raises(NotFound) as caught:
        hints.rungs(tmp_path)
    assert caught.value.code == "FL211"
