"""kill: chosen pods are gone at once, the others stay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from faultline.faults.kill import Kill
from faultline.injector.clock import Clock
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record
from faultline.injector.targets.pod import PodTarget


async def test_kills_the_chosen_pods_once(bench: Any) -> None:
    fault = Kill(service="web", percent=50)
    async with bench.on(fault) as target:
        hit = target.state["pods"]
        assert len(hit) == 2
        assert set(bench.cluster.pods) == {"web-a", "web-b", "web-c"} - set(hit)
        assert sorted(bench.cluster.orders[:2]) == [(each, "kill") for each in hit]
        assert await fault.felt(target) == pytest.approx(2 / 3)


async def test_same_seed_same_pods(bench: Any) -> None:
    chosen = [await bench.target(seed=seed).take("web", 1, None) for seed in (7, 7, 8, 9, 10)]
    assert chosen[0] == chosen[1]
    assert len({each for pods in chosen for each in pods}) > 1


async def test_faults_choose_in_the_order_of_the_plan_whoever_asks_first(bench: Any) -> None:
    first, last, same = (
        PlannedFault(name=name, type="none", start=start, end=start + 60, seed=7)
        for name, start in (("first", 1000.0), ("last", 1000.2), ("same", 1000.0))
    )
    chosen = []
    for order in ((first, same, last), (last, same, first)):
        record = Record({each.name: each.status() for each in (first, last, same)}, bench.journal, Clock(), run="r")
        for each in (first, last, same):
            record.will_choose(each.name, "web")
        targets = [PodTarget(bench.pods, each, record, Clock(), asyncio.Event()) for each in order]
        asked = {each.fault: asyncio.create_task(each.take("web", 1, None)) for each in targets}
        await asyncio.wait_for(asyncio.gather(*asked.values()), 5)
        chosen.append({name: task.result() for name, task in asked.items()})
        for each in targets:
            bench.pods.release(each.owner)
    assert chosen[0] == chosen[1]


async def test_fault_that_will_not_choose_holds_nobody_up(bench: Any) -> None:
    first, last = (
        PlannedFault(name=name, type="none", start=start, end=start + 60) for name, start in (("a", 1.0), ("b", 2.0))
    )
    record = Record({each.name: each.status() for each in (first, last)}, bench.journal, Clock(), run="r")
    for each in (first, last):
        record.will_choose(each.name, "web")
    asked = asyncio.create_task(PodTarget(bench.pods, last, record, Clock(), asyncio.Event()).take("web", 1, None))
    await asyncio.sleep(0.05)
    assert not asked.done()
    record.finish("a")
    assert await asyncio.wait_for(asked, 5)


def test_pods_or_percent() -> None:
    with pytest.raises(ValidationError, match="must have pods or percent, not both, got 1 and 50"):
        Kill(service="web", pods=1, percent=50)
