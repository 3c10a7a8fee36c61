from __future__ import annotations

from tests.checks.made import get, judge, op, put

ASK = {"writes": ["put"], "reads": ["get"], "bound": "5s"}


def test_a_value_that_was_replaced_longer_ago_than_the_bound_violates():
    writes = put("k", 1, (0, 1)), put("k", 2, (2, 3))
    assert judge("bounded_staleness", ASK, *writes, get("k", 1, (7.9, 9))).result == "holds"
    found = judge("bounded_staleness", ASK, *writes, get("k", 1, (8.1, 9)))
    assert found.violations[0].text == "get on k is 5.1 s behind put, 5s are allowed"


def test_the_newest_value_may_be_as_old_as_it_likes():
    assert judge("bounded_staleness", ASK, put("k", 1, (0, 1)), get("k", 1, (900, 901))).result == "holds"


def test_a_revocation_has_a_bound():
    ask = ASK | {"writes": ["share"], "deletes": ["revoke"], "reads": ["open"], "bound": "2s"}
    history = op("share", "photo", "secret", (0, 1)), op("revoke", "photo", None, (5, 6))
    opened = op("open", "photo", None, (7, 8), result="secret")
    assert judge("bounded_staleness", ask, *history, opened).result == "holds"
    late = op("open", "photo", None, (8.5, 9), result="secret")
    assert judge("bounded_staleness", ask, *history, late).result == "violated"
    assert judge("bounded_staleness", ask, *history, op("open", "photo", None, (8.5, 9))).result == "holds"


def test_nothing_is_allowed_by_a_bound_of_0s():
    ask = ASK | {"bound": "0s"}
    assert judge("bounded_staleness", ask, put("k", 1, (0, 1)), get("k", None, (1.1, 2))).result == "violated"
    assert judge("bounded_staleness", ask, put("k", 1, (0, 1)), get("k", None, (0.9, 2))).result == "holds"
