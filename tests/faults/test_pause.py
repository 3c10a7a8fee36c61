"""pause: stop and go, felt as requests without an answer."""

from __future__ import annotations

from typing import Any

import pytest

from faultline.errors import NotFound
from faultline.faults.pause import Pause


async def test_stops_and_lets_go_on(bench: Any, tools: Any) -> None:
    fault = Pause(service="web", pods=1)

    async def felt(value: float) -> bool:
        return await fault.felt(target) == value

    async with bench.on(fault) as target:
        [pod] = target.state["pods"]
        assert bench.cluster.orders == [(pod, "stop")] * 2
        await tools.until(lambda: felt(0.0))
        bench.cluster.hang.clear()
        await tools.until(lambda: felt(1.0))
        bench.cluster.hang.set()
        await tools.until(lambda: felt(0.0))
    assert bench.cluster.orders[2:] == [(pod, "go")] * 2


async def test_nothing_to_stop_is_an_error(bench: Any, monkeypatch: Any) -> None:
    async def none(*arguments: Any) -> int:
        return 0

    target = bench.target()
    monkeypatch.setattr(target, "_tell", none)
    with pytest.raises(NotFound, match="FL224"):
        await Pause(service="web").apply(target)
    await target.close()


async def test_pod_that_is_gone_counts_as_going_on(bench: Any, monkeypatch: Any) -> None:
    async with bench.on(Pause(service="web")) as target:
        for where in [each for each in bench.cluster.objects if "/pods/" in each]:
            bench.cluster.delete(where, grace=0)
    assert bench.cluster.pods == {}
    assert target.state["pods"]
