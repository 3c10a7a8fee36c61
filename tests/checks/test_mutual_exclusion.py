from __future__ import annotations

from tests.checks.made import judge, notes, op

ASK = {"acquires": ["lock"], "effects": ["work"]}


def lock(token, at, session):
    return op("lock", "l", None, at, result=token, session=session)


def work(token, at, session, **more):
    return op("work", "l", None, at, token=token, session=session, **more)


LOCKS = lock(1, (0, 1), "ann"), lock(2, (5, 6), "bob")


def test_a_former_holders_work_that_is_accepted_violates():
    found = judge("mutual_exclusion", ASK, *LOCKS, work(2, (7, 8), "bob"), work(1, (9, 10), "ann"))
    assert found.violations[0].text == "l: token 1 was accepted after token 2"
    assert notes(found) == ["token 2 accepted", "token 1 is of a former holder, and accepted"]


def test_a_former_holders_work_that_is_refused_or_overlaps_does_not():
    refused = work(1, (9, 10), "ann", outcome="failed", status=409)
    assert judge("mutual_exclusion", ASK, *LOCKS, work(2, (7, 8), "bob"), refused).result == "holds"
    assert judge("mutual_exclusion", ASK, *LOCKS, work(2, (7, 9), "bob"), work(1, (8, 10), "ann")).result == "holds"


def test_two_sessions_with_one_token_violate():
    found = judge("mutual_exclusion", ASK, lock(1, (0, 1), "ann"), lock(1, (5, 6), "bob"), work(1, (7, 8), "bob"))
    assert found.violations[0].text == "l: token 1 was given to two sessions"
    renewed = lock(1, (0, 1), "ann"), lock(1, (5, 6), "ann"), work(1, (7, 8), "ann")
    assert judge("mutual_exclusion", ASK, *renewed).result == "holds"


def test_work_without_a_token_is_undecided():
    assert judge("mutual_exclusion", ASK, *LOCKS, work(None, (7, 8), "bob")).result == "undecided"


RELEASED = {"acquires": ["lock"], "releases": ["free"]}


def free(at, session, **more):
    return op("free", "l", None, at, session=session, **more)


def held(session, start, end):
    return lock(None, (start, start + 0.1), session), free((end, end + 0.1), session)


def test_without_tokens_holds_that_were_released_must_not_overlap():
    apart = *held("ann", 0, 4), *held("bob", 5, 8), *held("ann", 9, 10)
    assert judge("mutual_exclusion", RELEASED, *apart).result == "holds"
    found = judge("mutual_exclusion", RELEASED, *held("ann", 0, 6), *held("bob", 5, 8))
    assert found.violations[0].text == "l: ann and bob held it at the same time"
    assert len(found.violations[0].seen) == 4


def test_a_release_whose_acquire_had_no_reply_says_nothing_about_the_time_before():
    """Ann gave it back, bob had it, and ann has it again: she only never heard of two of her own operations."""
    gone = {"outcome": "unknown"}
    freed = lock(None, (0, 0.1), "ann"), free((1, 1.1), "ann", **gone)
    again = op("lock", "l", None, (7, 7.1), session="ann", **gone), free((9, 9.1), "ann")
    assert judge("mutual_exclusion", RELEASED, *freed, *held("bob", 2, 6), *again).result == "holds"


def test_an_acquire_that_was_refused_or_whose_release_had_no_reply_changes_nothing():
    """A lock that was not taken again between an acquire and a release was held all the time."""
    refused = op("lock", "l", None, (3, 3.1), session="ann", outcome="failed", status=409)
    lost = free((4, 4.1), "ann", outcome="unknown")
    found = judge("mutual_exclusion", RELEASED, *held("ann", 0, 6), refused, lost, *held("bob", 5, 8))
    assert found.violations[0].text == "l: ann and bob held it at the same time"


def test_nothing_to_tell_holders_apart_by_is_undecided():
    assert judge("mutual_exclusion", {"acquires": ["lock"]}, lock(None, (0, 1), "ann")).result == "undecided"
