"""kill_backends: the app's sessions die, those of others live, and nobody's die afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.stores import felt

from faultline.faults.base import StoreError
from faultline.faults.base.postgres import DATABASE
from faultline.faults.kill_backends import KILLED, OURS, SESSIONS, KillBackends
from faultline.injector.config import split
from faultline.injector.postgres import Postgres

pytestmark = pytest.mark.e2e


def alive(clients: list[Any]) -> int:
    return sum(not each.is_closed() for each in clients)


async def test_sessions_of_the_app_die_and_new_ones_live_afterwards(postgres: Any, tools: Any) -> None:
    fault = KillBackends()
    old = [await postgres.connect() for _ in range(4)]
    async with postgres.client("primary", "postgres") as admin:
        async with postgres.on(fault):
            await tools.until(lambda: alive(old) == 0)
        assert await admin.fetchval("SELECT 1") == 1
    async with postgres.client() as new:
        await asyncio.sleep(1.2)
        assert await new.fetchval("SELECT 1") == 1


async def test_a_percentage_is_the_same_with_the_same_seed(postgres: Any, tools: Any) -> None:
    fault = KillBackends(percent=50, every="1m")
    died = []
    async with postgres.client("primary", "postgres") as admin:

        async def nobody() -> bool:
            return not await admin.fetch(SESSIONS)

        for _ in range(2):
            # The server may still be busy with the end of those of before.
            await tools.until(nobody)
            old = [await postgres.connect() for _ in range(6)]
            async with postgres.on(fault):
                await tools.until(lambda: alive(old) <= 3)  # noqa: B023 asked here alone
                await asyncio.sleep(0.2)
            assert alive(old) == 3
            died.append([index for index, each in enumerate(old) if each.is_closed()])
            for each in old:
                each.terminate()
    assert died[0] == died[1]


async def test_again_and_again(postgres: Any, tools: Any) -> None:
    async with postgres.on(KillBackends(every="500ms")):
        for _ in range(2):
            one = await postgres.connect()
            await tools.until(one.is_closed)


async def test_who_was_told_and_is_not_hung_up_on_yet_is_dead(postgres: Any, tools: Any) -> None:
    """The server's farewell and the connection's end are two things, and the first may be alone for a while."""
    async with slow_to_hang_up(*split(postgres.config.postgres)) as address:
        slow = postgres.config.model_copy(update={"postgres": address})
        asking = Postgres(slow)
        await asking.ask("SELECT 1", database=DATABASE, role="app")
        async with postgres.client("primary", "postgres") as admin:
            [[pid]] = await admin.fetch(OURS)
            await admin.execute("SELECT pg_terminate_backend($1)", pid)

            async def gone() -> bool:
                return not await admin.fetch(OURS)

            await tools.until(gone)
        await asyncio.sleep(0.1)
        with pytest.raises(StoreError) as caught:
            await asking.ask("SELECT 1", database=DATABASE, role="app")
        assert caught.value.state in KILLED
        assert await asking.ask("SELECT 1", database=DATABASE, role="app")
        await asking.close()


@asynccontextmanager
async def slow_to_hang_up(host: str, port: int) -> AsyncIterator[str]:
    """An address before another one, which gives on all that is said, but not that it is over."""
    piping: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(4096):
            writer.write(heard)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, port)
        writers.extend([writer, back])
        piping.extend([asyncio.create_task(pipe(reader, back)), asyncio.create_task(pipe(there, writer))])

    server = await asyncio.start_server(accept, "127.0.0.1")
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for each in piping:
            each.cancel()
        await asyncio.gather(*piping, return_exceptions=True)
        for one in writers:
            one.transport.abort()
        server.close()
        await server.wait_closed()


async def test_is_felt_and_then_no_more(postgres: Any) -> None:
    fault = KillBackends(every="300ms")
    target = postgres.target(fault)
    await felt(fault, target, False)
    await fault.apply(target)
    assert await felt(fault, target, True) == 1
    await fault.revert(target)
    await felt(fault, target, False)
    await asyncio.sleep(0.5)
    assert await fault.felt(target) == 0
    await target.close()
