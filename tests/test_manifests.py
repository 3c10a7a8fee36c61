"""A new Run: what it is called, and what its seed is."""

from __future__ import annotations

from typing import Any

import pytest

from faultline.manifests import new_run


def scenario(tier: str) -> dict[str, Any]:
    return {"metadata": {"name": "shop"}, "spec": {"tier": tier}}


def test_a_run_is_of_its_scenario_and_begins_with_its_name() -> None:
    run = new_run(scenario("walking"), seed=7)
    assert run["spec"] == {"scenario": "shop", "seed": 7}
    assert run["metadata"]["name"].startswith("shop-20")


def test_each_run_of_the_last_tier_has_a_seed_of_its_own_unless_one_is_given() -> None:
    assert len({new_run(scenario("sprinting"))["spec"]["seed"] for _ in range(5)}) == 5
    assert new_run(scenario("sprinting"), seed=7)["spec"]["seed"] == 7


@pytest.mark.parametrize("tier", ["crawling", "walking", "running"])
def test_runs_of_other_tiers_are_alike(tier: str) -> None:
    assert "seed" not in new_run(scenario(tier))["spec"]
