from __future__ import annotations

from tests.checks.made import get, judge, notes, put

ASK = {"writes": ["put"], "reads": ["get"]}


def test_an_older_value_after_ones_own_write_violates():
    found = judge("read_your_writes", ASK, put("k", 1, (0, 1), session="bob"), put("k", 2, (2, 3)), get("k", 1, (4, 5)))
    assert found.violations[0].text == "ann does not see its own put on k"
    assert notes(found) == [
        "older, and read in its place",
        "acknowledged to this session",
        "the same session: the value is not what is read",
    ]


def test_another_sessions_read_may_be_old():
    found = judge("read_your_writes", ASK, put("k", 2, (2, 3)), get("k", None, (4, 5), session="bob"))
    assert (found.violations, found.examined) == ([], 0)


def test_ones_own_value_or_a_newer_one_is_right():
    own, other = put("k", 2, (2, 3)), put("k", 3, (2.5, 9), session="bob", outcome="unknown")
    found = judge("read_your_writes", ASK, own, other, get("k", 2, (4, 5)), get("k", 3, (6, 7)))
    assert (found.result, found.examined) == ("holds", 2)


def test_a_read_that_began_before_the_acknowledgement_may_miss_it():
    found = judge("read_your_writes", ASK, put("k", 2, (2, 5)), get("k", None, (4, 6)), get("k", 2, (7, 8)))
    assert (found.result, found.examined) == ("holds", 1)
