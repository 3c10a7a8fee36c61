"""cpu_throttle: another limit and back, remembered by the pod itself."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faultline.errors import InvalidInput
from faultline.faults.cpu_throttle import CpuThrottle


async def test_limits_and_lets_go(bench: Any) -> None:
    async with bench.on(CpuThrottle(service="web", pods=2, cpu="30m")) as target:
        hit = target.state["pods"]
        assert {each: bench.cluster.cpu(each) for each in hit} == dict.fromkeys(hit, "30m")
        assert sorted(bench.cluster.marks) == sorted(hit)
    assert {bench.cluster.cpu(each) for each in bench.cluster.pods} == {"150m"}
    assert bench.cluster.marks == []


async def test_is_felt_by_what_the_kernel_holds_up(bench: Any) -> None:
    fault = CpuThrottle(service="web", cpu="30m")
    async with bench.on(fault) as target:
        assert await fault.felt(target) == 0.0  # the quota is not in force yet
        bench.cluster.look = bench.cluster.look._replace(quota=0.03)
        assert await fault.felt(target) is None  # in force, and nobody needs more
        bench.cluster.look = bench.cluster.look._replace(throttled=100.0)
        assert await fault.felt(target) == 1.0
        bench.cluster.look = bench.cluster.look._replace(quota=0.15, throttled=200.0)
        assert await fault.felt(target) == 0.0


async def test_what_is_left_is_put_back(bench: Any) -> None:
    target = bench.target()
    await CpuThrottle(service="web", cpu="30m").apply(target)
    await bench.pods.restore(())
    assert {bench.cluster.cpu(each) for each in bench.cluster.pods} == {"150m"}
    await target.close()


async def test_limit_that_is_no_lower_is_refused(bench: Any) -> None:
    target = bench.target()
    with pytest.raises(InvalidInput, match=r"FL131: cpu must be below the limit 150m of web-., got 150m"):
        await CpuThrottle(service="web", cpu="150m").apply(target)
    assert bench.cluster.marks == []
    await target.close()


def test_the_kernels_least_quota_is_a_bound() -> None:
    with pytest.raises(ValidationError, match="cpu must be at least 10m, got 5m"):
        CpuThrottle(service="web", cpu="5m")
