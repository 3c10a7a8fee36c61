from __future__ import annotations

from tests.checks.made import judge, notes, op

ASK = {"sends": ["send"], "receives": ["take"]}


def send(value, at=(0, 1), **more):
    return op("send", "q", value, at, **more)


def take(result, at, **more):
    return op("take", "q", None, at, result=result, **more)


def test_an_accepted_message_that_never_arrives_violates():
    found = judge("at_least_once", ASK, send("m"), send("n"), take("n", (4, 5)), take([], (6, 7)))
    assert found.violations[0].text == '"m" was acknowledged and never arrived'
    assert notes(found) == ["acknowledged", "the last to receive, without it"]


def test_once_or_more_is_right():
    found = judge("at_least_once", ASK, send("m"), take("m", (2, 3)), take(["m"], (4, 5)))
    assert (found.result, found.examined) == ("holds", 1)


def test_a_message_without_an_acknowledgement_need_not_arrive():
    assert judge("at_least_once", ASK, send("m"), send("n", outcome="unknown"), take("m", (2, 3))).result == "holds"


def test_a_message_after_which_nobody_received_is_undecided():
    found = judge("at_least_once", ASK, send("m"), send("n", (5, 6)), take("m", (2, 3)))
    assert found.undecided == ['messages after which nobody received anything: 1 ("n")']


def test_each_subscriber_that_was_there_before_has_to_get_it():
    ask = ASK | {"receiver": "session"}
    before = take([], (0, 1), session="ann"), take([], (0, 1), session="bob")
    sent, ann = send("m", (2, 3)), take("m", (4, 5), session="ann")
    late = take([], (6, 7), session="new")
    assert judge("at_least_once", ask, *before, sent, ann, late, take("m", (8, 9), session="bob")).result == "holds"
    found = judge("at_least_once", ask, *before, sent, ann, late, take([], (8, 9), session="bob"))
    assert [each.text for each in found.violations] == ['"m" was acknowledged and never arrived at bob on q']
