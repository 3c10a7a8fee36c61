"""exhaust_connections: nobody new gets in, who is in stays, and all is free again at the end."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from tests.stores import felt

from faultline.faults.exhaust_connections import ExhaustConnections

pytestmark = pytest.mark.e2e

FAULT = ExhaustConnections()


@pytest.fixture(autouse=True)
async def room(postgres: Any, tools: Any) -> None:
    """The server may still be busy with the end of the connections of the test before."""
    await tools.until(lambda: admitted(postgres))


async def test_new_connections_are_refused_and_old_ones_work(postgres: Any, tools: Any) -> None:
    async with postgres.client() as old:
        async with postgres.on(FAULT):
            with pytest.raises(asyncpg.TooManyConnectionsError):
                await postgres.connect()
            assert await old.fetchval("SELECT 1") == 1
            async with postgres.client("primary", "postgres") as admin:
                assert await admin.fetchval("SELECT 1") == 1

        await tools.until(lambda: admitted(postgres))


async def refused(postgres: Any) -> bool:
    try:
        (await postgres.connect()).terminate()
    except asyncpg.TooManyConnectionsError:
        return True
    return False


async def admitted(postgres: Any) -> bool:
    return not await refused(postgres)


async def test_a_place_that_becomes_free_is_taken(postgres: Any, tools: Any) -> None:
    old = await postgres.connect()
    async with postgres.on(FAULT):
        await old.close()
        await tools.until(lambda: refused(postgres))


async def test_the_apps_role_cannot_end_it(postgres: Any) -> None:
    async with postgres.client() as app, postgres.on(FAULT):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'faultline%'")


async def test_is_felt_and_then_no_more(postgres: Any) -> None:
    target = postgres.target(FAULT)
    await felt(FAULT, target, False)
    await FAULT.apply(target)
    assert await felt(FAULT, target, True) == 1
    await FAULT.revert(target)
    await felt(FAULT, target, False)
    await target.close()


async def test_two_at_once_do_not_disturb_each_other(postgres: Any, tools: Any) -> None:
    async with postgres.on(FAULT):
        async with postgres.on(FAULT):
            pass
        await tools.until(lambda: refused(postgres))


async def test_ends_with_the_process_that_made_it(postgres: Any, tools: Any) -> None:
    async with postgres.in_a_process("exhaust_connections") as injector:
        assert await refused(postgres)
        injector.kill()
        await tools.until(lambda: admitted(postgres))
