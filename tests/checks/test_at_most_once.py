from __future__ import annotations

import pytest
from tests.checks.made import judge, notes, op

ASK = {"sends": ["send"], "receives": ["take"]}


def take(result, at, **more):
    return op("take", "q", None, at, result=result, **more)


def test_a_message_that_arrives_again_violates():
    sent = op("send", "q", "m", (0, 1))
    found = judge("at_most_once", ASK, sent, take("m", (2, 3)), take(["n", "m"], (4, 5)))
    assert found.violations[0].text == '"m" arrived twice'
    assert notes(found) == ["sent", "arrives", "arrives again"]
    assert notes(judge("at_most_once", ASK, take(["m", "m"], (2, 3)))) == ["has it twice"]


def test_each_once_is_right_and_so_is_never():
    assert (
        judge("at_most_once", ASK, op("send", "q", "x", (0, 1)), take("m", (2, 3)), take(["n"], (4, 5))).result
        == "holds"
    )


@pytest.mark.parametrize(("receiver", "result"), [("all", "violated"), ("session", "holds")])
def test_each_subscriber_may_get_it_once(receiver, result):
    both = take("m", (2, 3), session="ann"), take("m", (2, 3), session="bob")
    assert judge("at_most_once", ASK | {"receiver": receiver}, *both).result == result
