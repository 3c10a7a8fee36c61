"""Plans are carried out on time, end with their lease, and never outlive a stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import pytest
import requests

from faultline.errors import Conflict, NotFound
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan

NAME = "a->b"


def fault(name: str, start: float, end: float, type: str = "partition", edge: str = NAME, **params: Any) -> dict:
    now = time.time()
    return {"name": name, "type": type, "edge": edge, "start": now + start, "end": now + end, "params": params}


def plan(*faults: dict, lease: float = 5.0, run: str = "run-1") -> Plan:
    return Plan.model_validate({"run": run, "lease_seconds": lease, "faults": faults})


async def test_fault_is_on_between_its_times_only(lab: Lab, tools: Any) -> None:
    port = lab.edges[NAME].config.loopback[1]
    await lab.runner.load(plan(fault("cut", 1, 3)))
    assert await tools.works(port)
    await tools.until(lambda: lab.runner.statuses[0].applied)
    assert not await tools.answers(port)
    await tools.until(lambda: lab.runner.statuses[0].reverted)
    assert await tools.works(port)
    [status] = await lab.runner.forget("run-1")
    assert status.planned_start <= (status.applied or 0) < status.planned_end <= (status.reverted or 0)
    assert (status.gap, status.error) == (0, "")


async def test_open_connection_falls_silent_too(lab: Lab, tools: Any) -> None:
    client = await tools.Client.open(lab.edges[NAME].config.loopback[1])
    assert await client.works()
    await lab.runner.load(plan(fault("cut", 0, 5)))
    await tools.until(lambda: lab.runner.statuses[0].applied)
    assert not await client.answers()
    client.close()


async def test_faults_that_overlap_on_one_edge_end_each_for_itself(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    await lab.runner.load(
        plan(fault("one", 0, 2, "latency", delay="20ms"), fault("two", 0.2, 60, "latency", delay="30ms"))
    )
    await tools.until(lambda: lab.runner.active == {"one", "two"})
    assert await edge.toxics() == {"one.latency", "two.latency"}
    await tools.until(lambda: lab.runner.active == {"two"})
    assert await edge.toxics() == {"two.latency"}


async def test_lost_lease_ends_the_faults_and_those_to_come(lab: Lab, tools: Any) -> None:
    await lab.runner.load(plan(fault("now", 0, 60), fault("later", 30, 60), lease=0.6))
    lost = lab.runner.lease_expires
    await tools.until(lambda: not lab.runner.alive)
    now, later = lab.runner.statuses
    assert 0 <= (now.reverted or 0) - lost < 5
    assert later.applied is None
    assert await tools.works(lab.edges[NAME].config.loopback[1])
    with pytest.raises(NotFound, match="FL220"):
        lab.runner.renew("run-1")


async def test_renewed_lease_lets_the_faults_go_on(lab: Lab) -> None:
    await lab.runner.load(plan(fault("now", 0, 60), lease=1.5))
    for _ in range(8):
        await asyncio.sleep(0.25)
        lab.runner.renew("run-1")
    assert lab.runner.active == {"now"}


async def test_second_plan_waits_for_the_first(lab: Lab) -> None:
    await lab.runner.load(plan(fault("now", 0, 60)))
    with pytest.raises(Conflict, match="the plan of run run-1 is still alive"):
        await lab.runner.load(plan(run="run-2"))
    await lab.runner.forget("run-1")
    await lab.runner.load(plan(run="run-2"))
    assert lab.runner.run == "run-2"


async def test_forgetting_twice_gives_the_same_answer(lab: Lab, tools: Any) -> None:
    await lab.runner.load(plan(fault("now", 0, 60)))
    await tools.until(lambda: lab.runner.active)
    assert await lab.runner.forget("run-1") == await lab.runner.forget("run-1")


@pytest.mark.parametrize(
    ("method", "where", "body", "said"),
    [
        ("DELETE", "/toxics/cut.upstream", None, "the toxic cut.upstream was removed"),
        ("POST", "/toxics/cut.upstream", {"attributes": {"timeout": 5}}, "the toxic cut.upstream was changed"),
        ("POST", "/toxics/cut.downstream", {"toxicity": 0.0}, "the toxic cut.downstream was changed"),
        ("POST", "", {"enabled": False}, "the proxy was switched off"),
        ("DELETE", "", None, "the proxy was switched off"),
    ],
)
async def test_toxics_that_somebody_else_takes_off_are_on_record(
    lab: Lab, tools: Any, method: str, where: str, body: Any, said: str
) -> None:
    await lab.runner.load(plan(fault("cut", 0, 60)))
    await tools.until(lambda: lab.runner.statuses[0].applied)
    url = f"http://127.0.0.1:{lab.edges[NAME].config.api}/proxies/{NAME}{where}"
    done = await asyncio.to_thread(requests.request, method, url, json=body, timeout=20)
    assert done.ok
    await tools.until(lambda: lab.runner.statuses[0].error)
    assert lab.runner.statuses[0].error == f"{said} by somebody else while it was on"
    # And the edge comes clean all the same.
    await lab.runner.stop()
    assert await tools.works(lab.edges[NAME].config.loopback[1])


async def test_toxics_that_come_and_go_by_plan_are_nobodys_doing(lab: Lab, tools: Any) -> None:
    flaps = fault("flaps", 0, 3, "flapping", state="partition", period="600ms", duty=0.5)
    await lab.runner.load(plan(flaps, fault("late", 0.3, 2.5, "latency", delay="20ms")))
    await tools.until(lambda: not lab.runner.alive)
    assert [each.error for each in lab.runner.statuses] == ["", ""]


async def test_killed_toxiproxy_leaves_a_gap_in_the_record(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    await lab.runner.load(plan(fault("cut", 0, 60)))
    await tools.until(lambda: lab.runner.statuses[0].applied)
    killed = time.monotonic()
    os.kill(edge.pid or 0, signal.SIGKILL)
    await tools.until(lambda: edge.restarts == 1 and edge.up)
    back = time.monotonic()
    assert not await tools.answers(edge.config.loopback[1])
    [status] = await lab.runner.forget("run-1")
    assert 0 < status.gap <= back - killed
    assert await tools.works(edge.config.loopback[1])


async def test_gap_counts_a_toxiproxy_that_is_not_back_when_the_fault_ends(
    lab: Lab, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = lab.edges[NAME]
    await lab.runner.load(plan(fault("cut", 0, 3)))
    await tools.until(lambda: lab.runner.statuses[0].applied)
    monkeypatch.setattr(edge, "_program", "/bin/false")
    os.kill(edge.pid or 0, signal.SIGKILL)
    await tools.until(lambda: lab.runner.statuses[0].reverted)
    assert lab.runner.statuses[0].gap > 0.3


async def test_a_stop_is_remembered_until_the_next_plan(lab: Lab, tools: Any) -> None:
    await lab.runner.load(plan(fault("now", 0, 60)))
    assert not lab.state()["stopped"]
    await lab.runner.stop()
    assert lab.state()["stopped"]
    await lab.runner.load(plan(fault("now", 0, 60), lease=0.3, run="run-2"))
    await tools.until(lambda: not lab.runner.alive)
    await lab.runner.stop()
    assert not lab.state()["stopped"]  # its lease was lost before


@pytest.mark.calm
@pytest.mark.parametrize("wedged", [False, True])
async def test_stop_ends_everything_within_two_seconds(lab: Lab, tools: Any, wedged: bool) -> None:
    await lab.runner.load(plan(fault("a", 0, 60), fault("b", 0, 60, "latency", edge="client->a", delay="1s")))
    await tools.until(lambda: lab.runner.active == {"a", "b"})
    if wedged:
        for edge in lab.edges.values():
            await tools.hang(edge.pid or 0)
    started = time.monotonic()
    assert await lab.runner.stop() == ["a", "b"]
    assert time.monotonic() - started < 2
    assert not lab.runner.active
    for edge in lab.edges.values():
        await edge.ready()
        assert await edge.toxics() == set()
        assert await tools.works(edge.config.loopback[1])


@pytest.mark.calm
async def test_stop_does_not_wait_for_a_client_that_does_not_read(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    await lab.runner.load(plan(fault("late", 0, 60, "latency", delay="1ms")))
    await tools.until(lambda: lab.runner.active)
    client = await tools.Client.open(edge.config.loopback[1])
    client.writer.transport.pause_reading()
    client.writer.write(b"bulk 64000000\n")
    await asyncio.sleep(0.5)
    started = time.monotonic()
    await lab.runner.stop()
    assert time.monotonic() - started < 2
    await tools.until(lambda: edge.restarts == 1 and edge.up)
    assert await edge.toxics() == set()
    client.close()


async def test_stop_without_a_plan_cleans_all_the_same(lab: Lab, tools: Any) -> None:
    assert await lab.runner.stop() == []
    assert await tools.works(lab.edges[NAME].config.loopback[1])


@pytest.mark.parametrize("edge", ["", NAME])
async def test_the_control_disturbs_nothing_and_has_its_times(lab: Lab, tools: Any, edge: str) -> None:
    await lab.runner.load(plan(fault("nothing", 1, 3, "none", edge=edge)))
    await tools.until(lambda: lab.runner.statuses[0].applied)
    assert await tools.works(lab.edges[NAME].config.loopback[1])
    await tools.until(lambda: lab.runner.statuses[0].reverted)
    [status] = await lab.runner.forget("run-1")
    assert status.planned_start <= (status.applied or 0) < status.planned_end <= (status.reverted or 0)
