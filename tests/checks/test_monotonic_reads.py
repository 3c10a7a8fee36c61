from __future__ import annotations

import pytest
from tests.checks.made import get, judge, notes, op, put

ASK = {"writes": ["put"], "reads": ["get"]}
WRITES = put("k", 1, (0, 1)), put("k", 2, (2, 3))


def test_a_session_that_sees_the_older_value_after_the_newer_one_went_back():
    found = judge("monotonic_reads", ASK, *WRITES, get("k", 2, (4, 5)), get("k", 1, (6, 7)))
    assert found.violations[0].text == "ann on k went back: the value read first was written after the one read later"
    assert notes(found) == ["seen first", "seen later, and it is older"]


def test_two_sessions_may_see_them_in_any_order():
    found = judge("monotonic_reads", ASK, *WRITES, get("k", 2, (4, 5)), get("k", 1, (6, 7), session="bob"))
    assert found.violations == []


def test_going_back_to_nothing_is_going_back():
    assert judge("monotonic_reads", ASK, *WRITES, get("k", 2, (4, 5)), get("k", None, (6, 7))).result == "violated"


@pytest.mark.parametrize(
    "writes", [(put("k", 1, (0, 3)), put("k", 2, (2, 4))), (put("k", 1, (0, 1), outcome="unknown"), WRITES[1])]
)
def test_values_without_an_order_may_come_in_any(writes):
    found = judge("monotonic_reads", ASK, *writes, get("k", 2, (4, 5)), get("k", 1, (6, 7)))
    assert found.result == "holds"


def test_reads_that_overlap_have_no_order():
    assert judge("monotonic_reads", ASK, *WRITES, get("k", 2, (4, 7)), get("k", 1, (5, 6))).violations == []


def test_numbers_must_not_go_down():
    ask = {"reads": ["get"], "order": "number"}
    up = get("m", 1, (0, 1)), get("m", 2, (2, 3)), get("m", 2, (4, 5))
    assert judge("monotonic_reads", ask, *up).result == "holds"
    assert judge("monotonic_reads", ask, *up, get("m", 1, (6, 7))).violations[0].text == "ann on m went back: 1 after 2"


def test_a_list_must_not_lose_what_it_had_but_by_a_delete():
    ask = ASK | {"holds": "list", "deletes": ["drop"]}
    reads = get("k", ["a", "b"], (4, 5)), get("k", ["b"], (8, 9))
    assert judge("monotonic_reads", ask, *reads).violations[0].text == 'ann on k went back: "a" is gone again'
    dropped = op("drop", "k", "a", (6, 7), outcome="unknown")
    assert judge("monotonic_reads", ask, dropped, *reads).result == "holds"
