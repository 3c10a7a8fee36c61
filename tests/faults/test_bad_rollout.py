"""bad_rollout: another command and strategy, and the former ones back."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from faultline.faults.bad_rollout import BadRollout


@pytest.mark.parametrize(("how", "command"), [("never-ready", "sleep"), ("crash", "sh")])
async def test_rolls_out_and_back(bench: Any, how: Any, command: str) -> None:
    before = copy.deepcopy(bench.cluster.deployment["spec"])
    async with bench.on(BadRollout(service="web", how=how, unavailable=50)):
        spec = bench.cluster.deployment["spec"]
        assert spec["template"]["spec"]["containers"][0]["args"][0] == command
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": "50%"}
    assert bench.cluster.deployment["spec"] == before
    assert bench.cluster.marks == []


async def test_is_felt_as_pods_that_take_no_connection(bench: Any) -> None:
    fault = BadRollout(service="web")
    async with bench.on(fault) as target:
        assert await fault.felt(target) == 0.0
        bench.cluster.close()
        assert await fault.felt(target) == 1.0
