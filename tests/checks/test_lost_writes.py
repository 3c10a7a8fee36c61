from __future__ import annotations

import pytest
from tests.checks.made import get, judge, notes, op, put

ASK = {"writes": ["put"], "reads": ["get"]}
LIST = ASK | {"holds": "list", "deletes": ["remove"]}


def test_an_acknowledged_write_that_is_not_read_back_is_lost():
    found = judge("lost_writes", ASK, put("k", 7, (0, 1)), get("k", None, (9, 10), final=True))
    assert (found.result, found.examined) == ("violated", 1)
    assert found.violations[0].text == "put on k was acknowledged and is lost: the value is not what is read"
    assert notes(found) == ["acknowledged", "final read: the value is not what is read"]


def test_one_that_is_read_back_is_not():
    found = judge("lost_writes", ASK, put("k", 7, (0, 1)), get("k", 7, (9, 10), final=True))
    assert (found.result, found.examined, found.undecided) == ("holds", 1, [])


def test_a_write_that_a_later_one_replaced_is_not_lost_but_the_later_one_is_when_the_older_is_back():
    older, newer = put("k", 1, (0, 1)), put("k", 2, (2, 3))
    assert judge("lost_writes", ASK, older, newer, get("k", 2, (9, 10), final=True)).result == "holds"
    found = judge("lost_writes", ASK, older, newer, get("k", 1, (9, 10), final=True))
    assert found.result == "violated"
    assert notes(found)[0] == "older, and read in its place"


def test_of_writes_that_overlap_either_may_remain():
    both = put("k", 1, (0, 2)), put("k", 2, (1, 3))
    for value in (1, 2):
        assert judge("lost_writes", ASK, *both, get("k", value, (9, 10), final=True)).result == "holds"


@pytest.mark.parametrize(
    ("more", "result"),
    [
        ({"outcome": "unknown"}, "holds"),  # it may have come in last
        ({"outcome": "failed", "status": 503}, "holds"),  # an error after the effect
        ({"outcome": "failed", "status": 409}, "violated"),  # refused: it cannot be there
        ({"outcome": "failed", "sent": False}, "violated"),  # never sent
    ],
)
def test_a_write_without_an_acknowledgement_may_replace_one_with_it_unless_it_was_refused(more, result):
    found = judge(
        "lost_writes", ASK, put("k", 1, (0, 1), **more), put("k", 2, (2, 3)), get("k", 1, (9, 10), final=True)
    )
    assert found.result == result


def test_what_was_never_acknowledged_cannot_be_lost():
    found = judge(
        "lost_writes", ASK, put("a", 1, (0, 1)), put("k", 2, (2, 3), outcome="unknown"),
        get("a", 1, (8, 9), final=True), get("k", None, (9, 10), final=True),
    )  # fmt: skip
    assert (found.result, found.examined) == ("holds", 1)


def test_a_key_that_was_not_read_back_is_undecided():
    found = judge(
        "lost_writes", ASK, put("a", 1, (0, 1)), put("b", 2, (2, 3)), get("a", 1, (8, 9), final=True),
        get("b", None, (9, 10), final=True, outcome="unknown"), get("b", 2, (4, 5)),
    )  # fmt: skip
    assert found.result == "undecided"
    assert found.undecided == ["keys that were written and not read back by get: 1 (b)"]


def test_nothing_written_is_no_data():
    found = judge("lost_writes", ASK, get("k", 7, (9, 10), final=True))
    assert found.result == "undecided"
    assert found.undecided == ["no data: the history has no answered operation put (writes)"]


def test_a_write_without_a_value_cannot_be_told_from_nothing():
    found = judge("lost_writes", ASK, put("k", None, (0, 1)), get("k", None, (9, 10), final=True))
    assert found.undecided == ["keys that put wrote no `value` to: 1 (k)"]


def test_a_list_has_to_have_all_that_was_added_and_not_removed():
    added = put("cart", "tea", (0, 1)), put("cart", "jam", (0, 1))
    removed = op("remove", "cart", "jam", (2, 3))
    assert judge("lost_writes", LIST, *added, get("cart", ["jam", "tea"], (9, 10), final=True)).result == "holds"
    assert judge("lost_writes", LIST, *added, removed, get("cart", ["tea"], (9, 10), final=True)).result == "holds"
    lost = judge("lost_writes", LIST, *added, removed, get("cart", [], (9, 10), final=True))
    assert [each.seen[0].operation.value for each in lost.violations] == ["tea"]
    back = judge("lost_writes", LIST, *added, removed, get("cart", ["tea", "jam"], (9, 10), final=True))
    assert notes(back)[-1] == "final read: the removed value is there again"


def test_what_was_deleted_must_not_be_there_again():
    deleted = op("del", "k", None, (2, 3))
    ask = ASK | {"deletes": ["del"]}
    assert (
        judge("lost_writes", ask, put("k", 1, (0, 1)), deleted, get("k", None, (9, 10), final=True)).result == "holds"
    )
    again = judge("lost_writes", ask, put("k", 1, (0, 1)), deleted, get("k", 1, (9, 10), final=True))
    assert again.violations[0].text == "del on k was acknowledged and is lost: its removal is there again"
