"""docs/curriculum.md: what there is, in order, and what is not there yet."""

from __future__ import annotations

from faultline import curriculum
from faultline.curriculum import Track
from faultline.learning import Lesson

POOLS = Lesson("pools", "One pool", "crawling", ("connection pool", "Little's law"), 3)
LOCKS = Lesson("locks", "Two locks", "running", ("fencing", "connection pool"))


def test_a_track_has_its_scenarios_in_its_own_order_and_what_is_missing_by_tier():
    page = curriculum.page(
        [Track("First", {"locks": "running", "pools": "crawling", "queues": "running"})], [POOLS, LOCKS]
    )
    rows = [line for line in page.splitlines() if "../scenarios/" in line]
    assert rows == [
        "| running | [locks](../scenarios/locks/SCENARIO.md) | Two locks | fencing, connection pool |",
        "| crawling | [pools](../scenarios/pools/SCENARIO.md) | One pool | connection pool, Little's law |",
    ]
    assert "Not there yet, running: queues." in page
    assert "| connection pool | pools, locks |" in page


def test_a_scenario_of_no_track_is_listed_all_the_same():
    page = curriculum.page([Track("First", {"queues": "running"})], [LOCKS])
    assert f"## {curriculum.OWN}\n\n| tier" in page


def test_every_scenario_that_is_there_has_the_tier_of_its_track():
    tiers = {slug: tier for track in curriculum.tracks() for slug, tier in track.scenarios.items()}
    assert {each.slug: tiers.get(each.slug) for each in curriculum.lessons()} == {
        each.slug: each.tier for each in curriculum.lessons()
    }


def test_the_tracks_name_each_scenario_once():
    names = [slug for track in curriculum.tracks() for slug in track.scenarios]
    assert len(names) == len(set(names)) == 79
