from __future__ import annotations

from tests.checks.made import judge, notes, op

ASK = {"events": ["click"], "reads": ["clicks"]}


def click(key, at, **more):
    return op("click", key, None, at, **more)


def clicks(key, result, at=(20, 21)):
    return op("clicks", key, None, at, result=result, final=True)


def test_an_acknowledged_event_that_is_not_counted_violates():
    found = judge("exact_count", ASK, click("c", (0, 1)), click("c", (2, 3)), clicks("c", 1))
    assert found.violations[0].text == "c: 1 counted, 2 happened"
    assert notes(found) == ["the first event", "the last one", "1 counted, 2 happened"]


def test_an_event_that_is_counted_twice_violates():
    found = judge("exact_count", ASK, click("c", (0, 1)), click("c", (2, 3), outcome="unknown"), clicks("c", 3))
    assert found.violations[0].text == "c: 3 counted, from 1 to 2 happened"


def test_what_had_no_reply_may_be_counted_or_not():
    sent = click("c", (0, 1)), click("c", (2, 3), outcome="unknown"), click("c", (4, 5), outcome="failed", status=500)
    assert [judge("exact_count", ASK, *sent, clicks("c", count)).result for count in (0, 1, 2, 3, 4)] == [
        "violated", "holds", "holds", "holds", "violated",
    ]  # fmt: skip


def test_what_was_refused_and_what_has_no_key_is_not_counted():
    refused = click("c", (2, 3), outcome="failed", status=404)
    sent = click("c", (0, 1)), refused, click(None, (4, 5))
    found = judge("exact_count", ASK, *sent, clicks("c", 1))
    assert (found.result, found.examined) == ("holds", 1)


def test_the_last_final_read_counts():
    assert judge("exact_count", ASK, click("c", (0, 1)), clicks("c", 0), clicks("c", 1, (22, 23))).result == "holds"


def test_a_count_that_is_no_number_violates():
    found = judge("exact_count", ASK, click("c", (0, 1)), clicks("c", "many"))
    assert found.violations[0].text == "c: the count is no number"


def test_a_key_that_was_not_read_back_is_undecided():
    found = judge("exact_count", ASK, click("c", (0, 1)), click("d", (0, 1)), clicks("c", 1))
    assert found.undecided == ["keys that were counted and not read back by clicks: 1 (d)"]
