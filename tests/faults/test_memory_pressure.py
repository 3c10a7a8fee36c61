"""memory_pressure: up to a share of the limit, and let go."""

from __future__ import annotations

from typing import Any

import pytest

from faultline.faults.memory_pressure import MemoryPressure


async def test_holds_and_drops(bench: Any) -> None:
    async with bench.on(MemoryPressure(service="web", fill=90)) as target:
        [pod] = target.state["pods"]
        assert bench.cluster.orders == [(pod, "hold 90")] * 2
    assert bench.cluster.orders[2:] == [(pod, "drop")] * 2


async def test_is_felt_as_the_share_in_use_while_something_is_held(bench: Any) -> None:
    fault = MemoryPressure(service="web", fill=90)
    async with bench.on(fault) as target:
        bench.cluster.look = bench.cluster.look._replace(used=88)
        assert await fault.felt(target) == 0.0  # by the app itself
        bench.cluster.look = bench.cluster.look._replace(held=4)
        assert await fault.felt(target) == pytest.approx(0.88)
        bench.cluster.look = bench.cluster.look._replace(used=70)
        assert await fault.felt(target) == 0.0
