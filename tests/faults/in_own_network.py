"""What test_blackhole.py runs in a network namespace of its own."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from faultline.faults.blackhole import Blackhole
from faultline.injector.config import Config
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan


@pytest.fixture
async def lab(config: Config) -> AsyncIterator[Lab]:
    async with Lab(config.model_copy(update={"own_network": True})) as one:
        await one.firewall.ready()
        yield one


async def test_silences_and_lets_go_on(port: int, on: Any, tools: Any) -> None:
    client = await tools.Client.open(port)
    assert await client.works()
    async with on(Blackhole()):
        assert not await client.answers()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await tools.Client.open(port)
    # What was lost is sent again: the answer to the request before comes first.
    async with asyncio.timeout(30):
        assert await client.reader.readline() == b"pong\n"
    client.close()


async def test_is_proven(lab: Lab, tools: Any) -> None:
    now = time.time()
    fault = {"name": "f", "type": "blackhole", "edge": "a->b", "start": now + 3, "end": now + 13}
    await lab.runner.load(Plan.model_validate({"run": "r", "lease_seconds": 60, "faults": [fault]}))
    await tools.until(lambda: lab.runner.statuses[0].reverted)
    [status] = await lab.runner.forget("r")
    assert status.planned_start <= status.applied <= status.observed < status.reverted <= status.cleared
    assert status.depth == pytest.approx(1.0, abs=0.3)


async def test_ends_by_itself(lab: Lab, port: int, tools: Any) -> None:
    await lab.firewall.drop(port, "f")
    # As if the injector were gone: nobody renews.
    lab.firewall._dropped.clear()
    assert not await tools.answers(port)
    await tools.until(lambda: tools.answers(port))


async def test_leaves_probes_uncounted(lab: Lab, port: int, tools: Any) -> None:
    """Probes come by loopback; that other clients are counted is for tests/e2e, where there are some."""
    assert await tools.works(port)
    assert await tools.until(lambda: lab.connections.counts) == {"client->a": 0, "a->b": 0}


@pytest.fixture
def vanished() -> str:
    """An address as that of a pod that has just vanished: packets are sent to where it was, and nobody is there."""
    for command in (
        "link add away type veth peer name other",
        "address add 192.0.2.1/24 dev away",
        "link set other up",
        "link set away up",
        "neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev away",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    return "192.0.2.2"


async def test_a_dial_that_nobody_answers_is_ended(lab: Lab, vanished: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        async with asyncio.timeout(60):
            await asyncio.open_connection(vanished, 80)
    # The kernel knocked again before: a server whose queue is full for a moment is not a pod that is gone.
    assert time.monotonic() - began > 2
