from __future__ import annotations

from tests.checks.made import get, judge, notes, op, put

ASK = {"writes": ["put"], "reads": ["get"], "deletes": ["del"]}


def test_a_read_of_what_was_replaced_violates_with_just_the_operations_that_show_it():
    bystanders = [put("other", 1, (0, 9)), *(get("k", 1, (1.1 + i / 10, 1.15 + i / 10)) for i in range(5))]
    found = judge("linearizable", ASK, put("k", 1, (0, 1)), *bystanders, put("k", 2, (2, 3)), get("k", 1, (4, 5)))
    assert found.violations[0].text == "k: no order of these explains what was read"
    assert notes(found) == ["writes 1", "writes 2", "reads 1"]


def test_a_read_that_overlaps_the_write_may_give_either():
    for value in (1, 2):
        found = judge("linearizable", ASK, put("k", 1, (0, 1)), put("k", 2, (2, 4)), get("k", value, (3, 5)))
        assert found.result == "holds"


def test_two_readers_must_agree_on_the_order():
    writes = put("k", 1, (0, 9)), put("k", 2, (0, 9))
    there = get("k", 1, (1, 2)), get("k", 2, (3, 4))
    assert judge("linearizable", ASK, *writes, *there).result == "holds"
    found = judge("linearizable", ASK, *writes, *there, get("k", 1, (5, 6)))
    assert found.result == "violated"
    assert len(notes(found)) == 5


def test_an_unknown_write_may_come_late_or_never_but_not_come_and_go():
    writes = put("k", 1, (0, 1)), put("k", 2, (0.2, 0.5), outcome="unknown")
    assert judge("linearizable", ASK, *writes, get("k", 1, (2, 3)), get("k", 2, (4, 5))).result == "holds"
    assert judge("linearizable", ASK, *writes, get("k", 1, (2, 3))).result == "holds"
    found = judge("linearizable", ASK, *writes, *(get("k", v, (i, i + 0.5)) for i, v in ((2, 1), (4, 2), (6, 1))))
    assert notes(found)[1] == "writes 2, now, later or never"


def test_what_the_key_held_at_first_is_one_value():
    assert judge("linearizable", ASK, get("k", 0, (0, 1)), put("k", 1, (2, 3)), get("k", 1, (4, 5))).result == "holds"
    back = judge("linearizable", ASK, get("k", 0, (0, 1)), put("k", 1, (2, 3)), get("k", 0, (4, 5)))
    assert back.violations[0].text == "k: no order of these explains what was read, with 0 there at first"
    two = judge("linearizable", ASK, put("k", 1, (2, 3)), get("k", 8, (0, 1)), get("k", 9, (4, 5)))
    assert two.violations[0].text.startswith("k: two values were read that nobody wrote")


def test_a_delete_leaves_nothing():
    history = put("k", 1, (0, 1)), op("del", "k", None, (2, 3))
    assert judge("linearizable", ASK, *history, get("k", None, (4, 5))).result == "holds"
    assert judge("linearizable", ASK, *history, get("k", 1, (4, 5))).result == "violated"


def test_a_key_with_too_much_is_undecided_and_does_not_hide_another():
    many = [put("big", i, (i, i + 0.5)) for i in range(100)]
    assert judge("linearizable", ASK, *many, get("k", None, (0, 1))).result == "holds"
    found = judge("linearizable", ASK, *many, get("big", 99, (200, 201)), get("k", None, (0, 1)))
    assert found.result == "undecided"
    assert found.undecided == ["keys with over 100 operations or 8 unknown ones, let keys rotate: 1 (big)"]
    doubtful = [put("k", i, (i, i + 0.5), outcome="unknown") for i in range(9)]
    found = judge("linearizable", ASK, *doubtful, *many[:1], get("a", 1, (9, 10)), put("a", 2, (0, 1)))
    assert found.result == "violated"
    assert len(found.undecided) == 1
