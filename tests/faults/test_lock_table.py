"""lock_table: who needs the table waits, nobody else, and no longer than the fault."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from tests.stores import felt

from faultline.faults.base import StoreError
from faultline.faults.lock_table import LockTable

pytestmark = pytest.mark.e2e

READ = "SELECT note FROM orders WHERE id = 1"
WRITE = "UPDATE orders SET note = 'x' WHERE id = 1"


async def waits(client: Any, query: str) -> bool:
    await client.execute("SET lock_timeout = '200ms'")
    try:
        await client.execute(query)
    except asyncpg.LockNotAvailableError:
        return True
    return False


@pytest.mark.parametrize(("stops", "reads_wait"), [("all", True), ("writes", False)])
async def test_those_wait_that_are_to_wait(postgres: Any, stops: str, reads_wait: bool) -> None:
    async with postgres.client() as client:
        async with postgres.on(LockTable(table="orders", stops=stops)):
            assert await waits(client, READ) == reads_wait
            assert await waits(client, WRITE)
        assert not await waits(client, READ)
        assert not await waits(client, WRITE)


async def test_is_felt_and_then_no_more(postgres: Any) -> None:
    fault = LockTable(table="orders")
    target = postgres.target(fault)
    await felt(fault, target, False)
    await fault.apply(target)
    assert await felt(fault, target, True) == 1
    await fault.revert(target)
    await felt(fault, target, False)
    await target.close()


async def test_the_apps_role_cannot_end_it(postgres: Any) -> None:
    async with postgres.client() as client, postgres.on(LockTable(table="orders")):
        pid = "SELECT pid FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'AccessExclusiveLock'"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await client.execute(f"SELECT pg_terminate_backend(({pid} LIMIT 1))")


async def test_a_lock_that_nobody_gives_back_fails_and_leaves_nothing_waiting(postgres: Any, tools: Any) -> None:
    fault = LockTable(table="orders")
    async with postgres.client() as client:
        await client.execute(f"BEGIN; {READ}")
        target = postgres.target(fault, seconds=1.0)
        with pytest.raises(StoreError, match="did not come about"):
            await fault.apply(target)
        await fault.revert(target)
        await target.close()
        async with postgres.client() as other:

            async def well() -> bool:
                return not await waits(other, READ)

            await tools.until(well)


async def test_postgres_itself_ends_it_when_its_time_is_over(postgres: Any, tools: Any) -> None:
    fault = LockTable(table="orders")
    async with postgres.client() as client:
        target = postgres.target(fault, seconds=10.0)
        await fault.apply(target)
        assert await waits(client, READ)

        async def well() -> bool:
            return not await waits(client, READ)

        await tools.until(well)
    await target.close()


async def test_ends_with_the_process_that_made_it(postgres: Any, tools: Any) -> None:
    async with postgres.client() as client, postgres.in_a_process("lock_table", table="orders") as injector:
        assert await waits(client, READ)
        injector.kill()

        async def well() -> bool:
            return not await waits(client, READ)

        await tools.until(well)


async def test_a_table_that_is_not_there_is_refused_by_name(postgres: Any) -> None:
    fault = LockTable(table="nothing")
    target = postgres.target(fault)
    with pytest.raises(StoreError, match=r"table must be .* got nothing"):
        await fault.apply(target)
    await target.close()
