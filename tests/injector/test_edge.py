"""An edge keeps its Toxiproxy alive and its toxics on, whatever happens to the process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from typing import Any

import pytest

from faultline.api.toxic import Toxic
from faultline.errors import InvalidInput, Unreachable
from faultline.injector.config import Config
from faultline.injector.lab import Lab

CUT = Toxic(type="timeout", stream="downstream", attributes={"timeout": 0})
NAME = "a->b"


async def test_passes_data_through(lab: Lab, tools: Any) -> None:
    assert await tools.works(lab.edges[NAME].config.loopback[1])


async def test_toxic_acts_on_its_own_edge_only_and_is_gone_afterwards(lab: Lab, tools: Any) -> None:
    port, other = lab.edges[NAME].config.loopback[1], lab.edges["client->a"].config.loopback[1]
    await lab.edges[NAME].add({"f.cut": CUT}, 0)
    assert not await tools.answers(port)
    assert await tools.works(other)
    await lab.edges[NAME].remove(["f.cut"], 0)
    assert await tools.works(port)


async def test_adding_and_removing_twice_is_fine(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    await edge.add({"f.cut": CUT}, 0)
    await edge.add({"f.cut": CUT}, 0)
    assert await edge.toxics() == {"f.cut"}
    await edge.remove(["f.cut"], 0)
    await edge.remove(["f.cut"], 0)
    assert await edge.toxics() == set()


async def test_killed_process_comes_back_with_its_toxics(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    await edge.add({"f.cut": CUT}, 0)
    before = time.time()
    os.kill(edge.pid or 0, signal.SIGKILL)
    await tools.until(lambda: edge.restarts == 1 and edge.up)
    back = time.time()
    assert await edge.toxics() == {"f.cut"}
    assert not await tools.answers(edge.config.loopback[1])
    assert 0 < edge.down_within(before, back + 60) < back - before
    assert edge.down_within(before - 2, before - 1) == 0


async def test_hanging_api_is_ended_and_what_was_asked_for_holds(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    stopped = edge.pid or 0
    await tools.hang(stopped)
    await edge.add({"f.cut": CUT}, 0)
    assert edge.pid != stopped
    assert await edge.toxics() == {"f.cut"}


async def test_no_process_is_left_when_the_edge_ends(config: Config) -> None:
    async with Lab(config) as lab:
        pids = [edge.pid or 0 for edge in lab.edges.values()]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_refused_toxic_is_not_put_on_after_a_restart(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    # Past the model's own check, as a Toxiproxy of another version might see it.
    misspelt = Toxic.model_construct(type="latency", stream="upstream", attributes={"latncy": 5}, toxicity=1.0)
    with pytest.raises(InvalidInput, match=r"made \{'latency': 0, 'jitter': 0\} of toxic f\.x"):
        await edge.add({"f.x": misspelt}, 0)
    assert await edge.toxics() == set()
    os.kill(edge.pid or 0, signal.SIGKILL)
    await tools.until(lambda: edge.restarts == 1 and edge.up)
    assert await edge.toxics() == set()


async def stuck_client(port: int) -> socket.socket:
    """A client that asks for 16 MB and reads none of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    await asyncio.get_running_loop().sock_sendall(client, b"bulk 64000000\n")
    await asyncio.sleep(0.3)
    return client


@pytest.mark.calm
async def test_client_that_does_not_read_delays_no_end_beyond_its_bound(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    latency = Toxic(type="latency", stream="downstream", attributes={"latency": 1, "jitter": 0})
    await edge.add({"f.late": latency}, 0)
    client = await stuck_client(edge.config.loopback[1])
    started = time.monotonic()
    await edge.remove(["f.late"], 0)
    assert time.monotonic() - started < 2
    client.close()
    # It took the end of the process: otherwise the client was not stuck, and this test proves nothing.
    await tools.until(lambda: edge.restarts == 1 and edge.up)
    assert await edge.toxics() == set()


@pytest.mark.calm
async def test_hanging_api_does_not_keep_an_edge_from_coming_clean(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    await edge.add({"f.cut": CUT}, 0)
    stopped = edge.pid or 0
    await tools.hang(stopped)
    async with asyncio.timeout(2):
        await edge.clean(0.2)
        await tools.until(lambda: edge.restarts == 1 and edge.up, 2)
    assert edge.pid != stopped
    assert await edge.toxics() == set()
    assert await tools.works(edge.config.loopback[1])


async def test_shut_edge_leads_nowhere_until_it_is_opened_whatever_happens_meanwhile(lab: Lab, tools: Any) -> None:
    edge = lab.edges[NAME]
    port, upstream = edge.config.loopback[1], edge.upstream
    client = await tools.Client.open(port)
    async with edge.shut():
        assert not await tools.answers(port)
        assert await client.reader.read() == b""  # closed, not silent
        os.kill(edge.pid or 0, signal.SIGKILL)
        await tools.until(lambda: edge.restarts == 1 and edge.up)
        await edge.lead(lab.edges["client->a"].upstream)
        assert not await tools.answers(port)
        await edge.lead(upstream)
    client.close()
    assert await tools.works(port)


async def test_reset_shuts_the_edges_and_waits_for_a_store_that_is_busy(
    lab: Lab, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = []

    async def restore(owned: object) -> None:
        answered.append(await tools.answers(lab.edges[NAME].config.loopback[1]))
        if len(answered) == 1:
            raise Unreachable("FL624", "Postgres: no answer in time")

    monkeypatch.setattr(lab.targets, "restore", restore)
    await lab.reset()
    assert answered == [False, False]
    assert await tools.works(lab.edges[NAME].config.loopback[1])
