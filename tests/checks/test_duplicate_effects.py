from __future__ import annotations

from tests.checks.made import judge, notes, op

ASK = {"effects": ["charge"], "reads": ["charges"]}


def charge(key, at, **more):
    return op("charge", key, 5, at, **more)


def charges(key, result, at=(20, 21)):
    return op("charges", key, None, at, result=result, final=True)


def test_a_retry_that_charged_again_violates():
    found = judge(
        "duplicate_effects", ASK, charge("c", (0, 1), outcome="unknown"), charge("c", (2, 3)), charges("c", 2)
    )
    assert found.violations[0].text == "c: 2 effects, 1 allowed"
    assert notes(found) == ["no reply: it may have happened", "acknowledged", "2 effects, 1 allowed"]


def test_one_effect_of_many_attempts_is_right_and_so_is_none():
    attempts = charge("c", (0, 1), outcome="unknown"), charge("c", (2, 3)), charge("d", (2, 3), outcome="unknown")
    found = judge("duplicate_effects", ASK, *attempts, charges("c", 1), charges("d", 0))
    assert (found.result, found.examined) == ("holds", 2)


def test_a_list_must_not_have_an_effect_twice():
    assert judge("duplicate_effects", ASK, charge("c", (0, 1)), charges("c", ["x", "y"])).result == "holds"
    found = judge("duplicate_effects", ASK, charge("c", (0, 1)), charges("c", ["x", "y", "x"]))
    assert found.violations[0].text == 'c: "x" is there 2 times, 1 allowed'


def test_a_key_that_was_not_read_back_is_undecided_unless_it_was_refused():
    refused = charge("e", (0, 1), outcome="failed", status=400)
    found = judge("duplicate_effects", ASK, charge("c", (0, 1)), charge("d", (0, 1)), refused, charges("c", 1))
    assert found.undecided == ["keys that were asked for and not read back by charges: 1 (d)"]
