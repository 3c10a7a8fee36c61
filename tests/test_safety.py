"""docs/safety.md and docs/red-team.md name tests that exist, and no promise without one."""

import ast
import re
from pathlib import Path

import pytest

from faultline.grading.validity import RULES

ROOT = Path(__file__).parents[1]
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("safety", "red-team")}
NAMED = sorted({each for text in PAGES.values() for each in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)})
HEADS = ("| promise", "| attack", "| reason")


def functions(path: Path) -> set[str]:
    found = ast.walk(ast.parse(path.read_text()))
    return {each.name for each in found if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_of_a_promise_exists(file, name):
    assert name in functions(ROOT / file)


def test_each_rule_of_validity_is_provoked():
    reasons = PAGES["red-team"].partition("## What makes a run inconclusive")[2]
    named = {rule for row in re.findall(r"^\| [^|]*\|", reasons, re.M) for rule in re.findall(r"`(\w+)`", row)}
    assert named == set(RULES)


@pytest.mark.parametrize("page", PAGES)
def test_no_promise_is_without_a_test(page):
    rows = [line for line in PAGES[page].splitlines() if line.startswith("| ") and not line.startswith(HEADS)]
    assert len(rows) > 20
    assert [row for row in rows if not re.search(r"`tests/[\w/]+\.py::test_\w+`", row)] == []
