"""docs/errors.md has one section for each code that a person may see, and none for codes that are gone."""

import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
CODE = re.compile(r"\bFL[1-9][0-9]{2}\b")


def used() -> set[str]:
    places = [*REPO.glob("operator/**/*.py"), *REPO.glob("services/**/*.py"), *REPO.glob("tools/*")]
    return {code for path in places if path.is_file() for code in CODE.findall(path.read_text(errors="ignore"))}


def documented() -> list[str]:
    return re.findall(r"^### (FL[0-9]{3}) \S", (REPO / "docs" / "errors.md").read_text(), re.M)


def test_every_code_in_the_source_has_a_section():
    assert sorted(used() - set(documented())) == []


def test_no_section_is_left_over():
    assert sorted(set(documented()) - used()) == []


def test_sections_are_in_order_and_each_there_once():
    assert documented() == sorted(set(documented()))


@pytest.mark.parametrize("code", documented())
def test_a_section_says_what_to_do(code):
    text = (REPO / "docs" / "errors.md").read_text()
    section = text.split(f"### {code} ", 1)[1].split("\n### ", 1)[0]
    assert "**Do:**" in section
