from __future__ import annotations

from tests.checks.made import judge, notes, op

ASK = {"sends": ["post"], "receives": ["poll"]}
POSTS = op("post", "room", "m1", (0, 1)), op("post", "room", "m2", (2, 3))


def poll(result, at=(9, 10), key="room", **more):
    return op("poll", key, None, at, result=result, **more)


def test_a_list_in_another_order_than_sent_violates():
    found = judge("order_per_key", ASK, *POSTS, poll(["m2", "m1"]))
    assert found.violations[0].text == 'room: "m1" was sent before "m2" and came after it'
    assert notes(found) == ['"m1" acknowledged', '"m2" sent after that', 'has "m2" before "m1"']


def test_messages_one_by_one_are_in_the_order_of_time():
    assert judge("order_per_key", ASK, *POSTS, poll("m1", (4, 5)), poll("m2", (6, 7))).result == "holds"
    found = judge("order_per_key", ASK, *POSTS, poll("m2", (4, 5)), poll("m1", (6, 7)))
    assert notes(found)[-2:] == ['"m2" arrives', '"m1" arrives']
    two = poll("m2", (4, 5)), poll("m1", (6, 7), session="bob")
    assert judge("order_per_key", ASK, *POSTS, *two).result == "holds"


def test_sends_that_overlap_or_have_no_acknowledgement_may_come_in_any_order():
    overlap = op("post", "room", "m1", (0, 2.5)), POSTS[1]
    assert judge("order_per_key", ASK, *overlap, poll(["m2", "m1"])).result == "holds"
    unknown = op("post", "room", "m1", (0, 1), outcome="unknown"), POSTS[1]
    assert judge("order_per_key", ASK, *unknown, poll(["m2", "m1"])).result == "holds"


def test_another_room_and_a_message_that_comes_again_do_not_count():
    other = op("post", "hall", "m0", (4, 5))
    found = judge("order_per_key", ASK, *POSTS, other, poll(["m1", "m2", "m1"]), poll(["m0"], key="hall"))
    assert (found.result, found.examined) == ("holds", 3)


def test_without_sends_numbers_go_up():
    ask = {"receives": ["poll"]}
    assert judge("order_per_key", ask, poll([1, 2, 5])).result == "holds"
    assert judge("order_per_key", ask, poll([1, 5, 2])).violations[0].text == "room: 2 came after 5"
    assert judge("order_per_key", ask, poll(["a"])).result == "undecided"
