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


def test_what_was_read_before_the_last_read_counts_too():
    """The value in between was written while both others were: it may be as new as the one, and as old as the other."""
    writes = put("k", 3, (0, 1)), put("k", 1, (2, 3)), put("k", 2, (0, 5), session="bob")
    found = judge("monotonic_reads", ASK, *writes, get("k", 1, (6, 7)), get("k", 2, (8, 9)), get("k", 3, (10, 11)))
    assert [[each.operation.result for each in one.seen] for one in found.violations] == [[1, 3]]
    assert judge("monotonic_reads", ASK, *writes, get("k", 3, (6, 7)), get("k", 2, (8, 9))).result == "holds"


def test_reads_within_a_long_one_are_held_against_each_other():
    reads = get("k", 2, (4, 20)), get("k", 2, (5, 6)), get("k", 1, (7, 8))
    assert len(judge("monotonic_reads", ASK, *WRITES, *reads).violations) == 1


def test_a_key_begins_with_nothing_whatever_is_removed_later():
    ask = ASK | {"deletes": ["drop"]}
    drop = op("drop", "k", None, (3, 30))
    early, late = get("k", None, (0, 10)), get("k", 1, (11, 12))
    assert judge("monotonic_reads", ask, early, put("k", 1, (1, 2)), drop, late).result == "holds"
    # After another value nothing is there only if it was removed.
    back = get("k", None, (13, 14))
    assert judge("monotonic_reads", ask, put("k", 1, (1, 2)), late, back).result == "violated"
    assert judge("monotonic_reads", ask, put("k", 1, (1, 2)), late, op("drop", "k", None, (13, 13.5)), back).result == (
        "holds"
    )


def test_a_value_that_nobody_wrote_is_older_than_any_that_somebody_did():
    seeded = get("k", 0, (4, 5)), get("k", 1, (6, 7))
    assert judge("monotonic_reads", ASK, *WRITES, *seeded).result == "holds"
    assert judge("monotonic_reads", ASK, *WRITES, *seeded, get("k", 0, (8, 9))).result == "violated"


def test_the_highest_number_counts_whichever_read_was_over_first():
    ask = {"reads": ["get"], "order": "number"}
    reads = get("m", 5, (0, 2)), get("m", 4, (1, 3)), get("m", 4, (4, 5))
    found = judge("monotonic_reads", ask, *reads)
    assert [each.text for each in found.violations] == ["ann on m went back: 4 after 5"]


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


def test_a_delete_without_a_value_may_take_the_whole_list():
    ask = ASK | {"holds": "list", "deletes": ["clear"]}
    reads = get("k", ["a", "b"], (4, 5)), get("k", [], (8, 9))
    assert judge("monotonic_reads", ask, *reads, op("clear", "k", None, (6, 7))).result == "holds"
    assert judge("monotonic_reads", ask, *reads, op("clear", "k", None, (10, 11))).result == "violated"


def test_a_list_is_held_against_all_that_was_seen():
    ask = ASK | {"holds": "list"}
    reads = get("k", ["a"], (0, 10)), get("k", ["b"], (1, 2)), get("k", ["b"], (11, 12))
    assert len(judge("monotonic_reads", ask, *reads).violations) == 1
