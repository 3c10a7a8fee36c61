"""Fifty viewers cost what one does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from tests.conftest import BUSY_SECONDS, until
from tests.dashboard.conftest import APPS, SHOP, World, deployed, pod, run_object

from faultline.clients.kube_objects import path

VIEWERS = 50


async def events(stream: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    kind = ""
    while line := (await stream.content.readuntil(b"\n")).decode().rstrip("\r\n") or " ":
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            yield kind, json.loads(line[6:])


async def wait_for(stream: aiohttp.ClientResponse, kind: str, seconds: float = BUSY_SECONDS) -> Any:
    async with asyncio.timeout(seconds):
        async for found, data in events(stream):
            if found == kind:
                return data
    raise AssertionError(f"the stream ended without {kind}")


async def tick_of(stream: aiohttp.ClientResponse, second: int) -> Any:
    while (tick := await wait_for(stream, "tick"))["seconds"][-1] < second:
        pass
    return tick


def session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), read_bufsize=2**20)


async def test_fifty_viewers_cost_one_query_a_second(world: World) -> None:
    async with session() as client, AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(client.get(f"{world.url}/api/live/{SHOP}")) for _ in range(VIEWERS)]
        await asyncio.gather(*(wait_for(each, "history") for each in streams))
        assert all(each.status == 200 for each in streams)
        since, calls, asked = time.monotonic(), len(world.cluster.calls), len(world.series.queries)
        seen = []
        # From a second on that all of them were there for.
        begin = int(time.time())
        for second in range(begin + 1, begin + 4):
            ticks = await asyncio.gather(*(tick_of(each, second) for each in streams))
            seen.append(second)
            assert all(each == ticks[0] for each in ticks)
        # One query a second for all of them together; one of before may come late.
        assert len(seen) <= len(world.series.queries) - asked <= time.monotonic() - since + 2
        assert len(world.cluster.calls) == calls, "who looks on costs the API server nothing"
    assert len(set(world.series.queries)) == 1


async def test_a_lab_that_nobody_watches_costs_nothing(world: World) -> None:
    async with session() as client, client.get(f"{world.url}/") as reply:
        assert reply.status == 200
    assert world.series.queries == []


async def test_a_viewer_who_comes_later_sees_what_was_before(world: World) -> None:
    async with session() as client, client.get(f"{world.url}/api/live/{SHOP}") as first:
        await wait_for(first, "tick")
        async with client.get(f"{world.url}/api/live/{SHOP}") as second:
            history = await wait_for(second, "history")
    assert len(history["seconds"]) >= 290
    assert history["seconds"] == sorted(set(history["seconds"]))
    for lines in history["panels"].values():
        assert all(len(values) == len(history["seconds"]) for values in lines.values())
    # Since the other one watches, these came from memory.
    assert len([span for span in world.series.spans if span > 100]) == 1


async def test_changes_of_the_lab_are_told(world: World, runs: Any) -> None:
    async with session() as client, client.get(f"{world.url}/api/live/{SHOP}") as stream:
        lab = await wait_for(stream, "lab")
        assert (lab["phase"], lab["next"], lab["nodes"]["gateway"]["ready"]) == ("Ready", "chaos", 1)
        where = path("Pod", f"{APPS[0]}-0", f"lab-{SHOP}")
        world.call(lambda: world.cluster.put(where, pod(APPS[0], ready=False)))
        lab = await wait_for(stream, "lab")
        assert lab["nodes"]["gateway"] == {"ready": 0, "total": 1, "problem": "", "restarts": 0}
        body = run_object(runs(f"{SHOP}-1"))
        held_out = {"faults": 1, "sha256": "0123abcd"}
        body["status"] |= {"phase": "Fault", "verdict": None, "heldOut": held_out}
        world.call(lambda: world.cluster.put(path("Run", f"{SHOP}-1"), body, "ADDED"))
        lab = await wait_for(stream, "lab")
        assert (lab["run"]["phase"], lab["next"], lab["run"]["held_out"]) == ("Fault", "watch", held_out)
        world.call(lambda: world.cluster.remove(path("Scenario", SHOP)))
        assert not (await wait_for(stream, "lab"))["exists"]


async def test_a_prometheus_that_is_gone_is_said_and_comes_back(world: World) -> None:
    async with session() as client, client.get(f"{world.url}/api/live/{SHOP}") as stream:
        await wait_for(stream, "tick")
        world.series.broken = True
        assert "it is broken" in (await wait_for(stream, "problem"))["message"]
        world.series.broken = False
        assert (await wait_for(stream, "problem"))["message"] == ""
        tick = await wait_for(stream, "tick")
        assert "load" in tick["panels"]


async def test_a_viewer_who_does_not_read_gets_the_whole_again(world: World) -> None:
    board = world.app.state.parts.board

    async def slow() -> list[str]:
        async with board.watching("idle") as frames:
            kinds = [(await anext(frames)).split(b"\n")[0].decode() for _ in range(2)]
            (channel,) = [each for name, each in board._channels.items() if name == "idle"]
            for _ in range(60):
                channel.tell(b"event: tick\ndata: {}\n\n")
            kinds += [(await anext(frames)).split(b"\n")[0].decode() for _ in range(3)]
            return kinds

    future = asyncio.run_coroutine_threadsafe(slow(), world.loop)
    kinds = await asyncio.wrap_future(future)
    assert kinds[:2] == ["event: lab", "event: history"]
    assert kinds[3:] == ["event: lab", "event: history"]


async def test_the_cluster_s_lists_are_read_again_after_a_gap(world: World) -> None:
    parts = world.app.state.parts
    where = path("Scenario", "other")
    world.call(lambda: world.cluster.put(where, deployed("other"), "ADDED"))
    await until(lambda: parts.mirror.scenario("other"))
    world.call(lambda: world.cluster.remove(where))
    await until(lambda: parts.mirror.scenario("other") is None)
