"""The probe sees a fault come and go on the data path, and is not taken in by a dependency that is down by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from faultline.api.sample import Outcome, Sample
from faultline.faults.exhaust_connections import ExhaustConnections
from faultline.faults.partition import Partition
from faultline.injector import proof
from faultline.injector.clock import Clock
from faultline.injector.journal import Journal
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan, PlannedFault
from faultline.injector.record import Record


async def run(
    lab: Lab, tools: Any, start: float = 0.5, length: float = 1.0, type: str = "partition", **params: Any
) -> Any:
    now = time.time()
    fault = {"name": "f", "type": type, "edge": "a->b", "start": now + start, "end": now + start + length}
    await lab.runner.load(
        Plan.model_validate({"run": "r", "lease_seconds": 30, "faults": [fault | {"params": params}]})
    )
    await asyncio.sleep(start + length)
    await tools.until(lambda: lab.runner.statuses[0].reverted)
    [status] = await lab.runner.forget("r")
    return status


@pytest.mark.parametrize("type", ["partition", "latency"])
async def test_onset_and_end_are_seen(lab: Lab, tools: Any, type: str) -> None:
    status = await run(lab, tools, type=type, **({"delay": "100ms"} if type == "latency" else {}))
    assert status.applied <= status.observed <= status.reverted <= status.cleared


async def test_an_answer_under_way_when_the_fault_came_or_went_says_nothing_of_its_depth(tmp_path: Path) -> None:
    planned = PlannedFault.model_validate(
        {"name": "f", "type": "partition", "edge": "a->b", "start": 10.0, "end": 20.0}
    )
    record = Record({"f": planned.status()}, Journal(tmp_path / "journal"), Clock())
    record.note("f", applied=10.0)
    heard = proof.Proof("f", Partition(), record)
    heard.hear(Sample(9.9, 0.3, Outcome.ANSWERED), 0.01)
    assert heard.depth is None
    heard.hear(Sample(10.2, 1.0, Outcome.SILENT), 0.01)
    assert heard.depth == 1.0
    heard.hear(Sample(11.2, 0.1, Outcome.ANSWERED), 0.01)
    assert heard.depth == 0.5
    record.note("f", reverted=12.0)
    heard.hear(Sample(11.9, 0.2, Outcome.ANSWERED), 0.01)
    assert heard.depth == 0.5


async def test_depth_of_latency_is_the_delay(lab: Lab, tools: Any) -> None:
    status = await run(lab, tools, type="latency", delay="100ms")
    assert status.depth == pytest.approx(0.1, abs=0.05)


@pytest.mark.calm
async def test_fault_without_effect_is_not_observed(lab: Lab, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*arguments: Any) -> float:
        return time.time()

    monkeypatch.setattr(lab.edges["a->b"], "add", nothing)
    status = await run(lab, tools)
    assert status.applied
    assert status.observed is None


@pytest.mark.calm
async def test_dependency_that_hangs_by_itself_is_no_proof(
    lab: Lab, tools: Any, backend: Any, monkeypatch: Any
) -> None:
    async def nothing(*arguments: Any) -> float:
        asyncio.get_running_loop().call_later(0.7, backend.hang.clear)
        return time.time()

    monkeypatch.setattr(lab.edges["a->b"], "add", nothing)
    status = await run(lab, tools, length=2.5)
    assert status.observed is None


async def test_dependency_that_hangs_all_the_while_does_not_hide_the_fault(lab: Lab, tools: Any, backend: Any) -> None:
    backend.hang.clear()
    status = await run(lab, tools, length=2.0)
    assert status.observed == status.applied


async def test_fault_that_does_not_end_is_not_cleared(lab: Lab, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*arguments: Any) -> float:
        return time.time()

    monkeypatch.setattr(lab.edges["a->b"], "remove", nothing)
    status = await run(lab, tools)
    assert status.observed
    assert status.cleared is None


@pytest.mark.e2e
async def test_end_is_seen_though_the_store_has_no_connection_left_by_then(
    postgres: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "EARLY_SECONDS", 60.0)
    edge = postgres.config.edges[0].model_copy(update={"name": "a->postgres", "upstream": postgres.config.postgres})
    config = postgres.config.model_copy(update={"edges": [edge]})
    now = time.time()
    fault = {"name": "f", "type": "reset", "edge": "a->postgres", "start": now + 6.0, "end": now + 6.5}
    async with Lab(config) as lab, postgres.client(user="postgres") as admin:
        await lab.runner.load(Plan.model_validate({"run": "r", "lease_seconds": 30, "faults": [fault]}))
        probes = "SELECT count(*) = 2 FROM pg_stat_activity WHERE usename = 'app'"
        await tools.until(lambda: admin.fetchval(probes), pause=0.1)
        async with postgres.on(ExhaustConnections()):
            await tools.until(lambda: lab.runner.statuses[0].cleared)
        [status] = await lab.runner.forget("r")
    assert status.applied <= status.observed <= status.reverted <= status.cleared


async def test_end_is_looked_for_once_the_others_on_the_edge_are_over(
    lab: Lab, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "CLEAR_SECONDS", 0.5)
    now = time.time()
    faults = [
        {"name": "short", "type": "latency", "edge": "a->b", "start": now + 0.5, "end": now + 1.5},
        {"name": "long", "type": "partition", "edge": "a->b", "start": now + 0.5, "end": now + 3.0},
    ]
    faults[0]["params"] = {"delay": "100ms"}
    await lab.runner.load(Plan.model_validate({"run": "r", "lease_seconds": 30, "faults": faults}))
    await tools.until(lambda: all(each.cleared for each in lab.runner.statuses))
    short, long = await lab.runner.forget("r")
    assert short.cleared >= long.reverted


async def test_probes_end_with_the_plan(lab: Lab, tools: Any, backend: Any) -> None:
    await run(lab, tools)
    await asyncio.sleep(0.3)
    asked = len(backend.lines)
    await asyncio.sleep(0.5)
    assert len(backend.lines) == asked


async def test_killed_toxiproxy_does_not_end_the_proof(lab: Lab, tools: Any) -> None:
    task = asyncio.create_task(run(lab, tools, length=2.0))
    await tools.until(lambda: lab.runner.statuses and lab.runner.statuses[0].applied)
    os.kill(lab.edges["a->b"].pid or 0, signal.SIGKILL)
    status = await task
    assert status.observed
    assert status.cleared
    assert 0 < status.gap < 1
