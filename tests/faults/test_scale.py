"""scale: to another number and back, remembered by the Deployment itself."""

from __future__ import annotations

from typing import Any

import pytest

from faultline.errors import Conflict
from faultline.faults.bad_rollout import BadRollout
from faultline.faults.scale import Scale


async def test_scales_there_and_back(bench: Any) -> None:
    fault = Scale(service="web", replicas=1)
    async with bench.on(fault) as target:
        assert bench.cluster.deployment["spec"]["replicas"] == 1
        assert bench.cluster.marks == ["web"]
        assert await fault.felt(target) == 0.0
        await bench.cluster.start("web-d", 7)
        assert await fault.felt(target) == pytest.approx(1 / 3)
    assert bench.cluster.deployment["spec"]["replicas"] == 3
    assert bench.cluster.marks == []


async def test_what_is_left_is_put_back_unless_it_is_kept(bench: Any) -> None:
    await Scale(service="web", replicas=0).apply(bench.target())
    await bench.pods.restore({"r/f"})
    assert bench.cluster.deployment["spec"]["replicas"] == 0
    await bench.pods.restore(())
    assert bench.cluster.deployment["spec"]["replicas"] == 3


async def test_two_that_change_one_deployment_conflict(bench: Any) -> None:
    async with bench.on(Scale(service="web", replicas=1)):
        with pytest.raises(Conflict, match="FL424"):
            await BadRollout(service="web").apply(bench.target("other"))


async def test_maxunavailable_bounds_it(bench: Any) -> None:
    bench.pods._caps = {"web": 1}
    with pytest.raises(Conflict, match="FL423: r/f would take 2 pods of web, of which faults have 0: at most 1"):
        await Scale(service="web", replicas=1).apply(bench.target())
    assert bench.cluster.deployment["spec"]["replicas"] == 3
