from __future__ import annotations

from tests.checks.made import judge, notes, op, put

ASK = {"reads": ["get"], "writes": ["put"], "within": "10s"}
WRITE = put("k", 1, (0, 1))


def get(site, result, at, key="k"):
    return op("get", key, None, at, result=result, site=site)


def test_sites_that_differ_when_they_should_have_come_together_violate():
    found = judge("convergence", ASK, WRITE, get("eu", 1, (15.1, 16)), get("us", 2, (17, 18)), healed=5)
    assert found.violations[0].text == "k: eu and us still differ 10s after the last fault"
    assert notes(found) == ["eu has this", "us has another"]


def test_before_that_they_may_differ():
    early = get("eu", 1, (14.9, 16)), get("us", 2, (14.9, 16))
    found = judge("convergence", ASK, WRITE, *early, get("eu", 2, (16, 17)), get("us", 2, (17, 18)), healed=5)
    assert (found.result, found.examined) == ("holds", 2)


def test_a_key_that_is_still_written_to_gets_the_same_time():
    late = put("k", 3, (8, 9))
    assert (
        judge("convergence", ASK, late, get("eu", 1, (18, 18.5)), get("us", 2, (18.5, 19)), healed=5).violations == []
    )
    assert judge("convergence", ASK, late, get("eu", 1, (19.5, 20)), get("us", 2, (19.5, 20)), healed=5).violations


def test_one_site_alone_is_undecided():
    found = judge("convergence", ASK, WRITE, get("eu", 1, (16, 17)), get("eu", 1, (18, 19)), healed=5)
    assert found.result == "undecided"
    assert found.undecided[0].endswith("10s after faults and writes: 1 (k)")


def test_a_list_may_be_in_another_order_where_that_is_the_same():
    both = get("eu", ["a", "b"], (16, 17)), get("us", ["b", "a"], (16, 17))
    assert judge("convergence", ASK, WRITE, *both, healed=5).result == "violated"
    assert judge("convergence", ASK | {"unordered": True}, WRITE, *both, healed=5).result == "holds"
