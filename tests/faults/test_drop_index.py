"""drop_index: no query has the index, and all have it again at the end, whoever ends it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import pytest
from tests.stores import felt

from faultline.faults.base import StoreError
from faultline.faults.drop_index import HIDE, PREPARE, DropIndex
from faultline.injector.targets import Ended
from faultline.injector.targets.postgres import restore_postgres

pytestmark = pytest.mark.e2e

FAULT = DropIndex(index="orders_customer")
QUERY = "SELECT count(*) FROM orders WHERE customer = 7"


async def plan(client: Any) -> str:
    return "\n".join(line for [line] in await client.fetch(f"EXPLAIN {QUERY}"))


async def test_queries_read_the_table_while_it_is_on(postgres: Any) -> None:
    async with postgres.client() as client:
        assert "orders_customer" in await plan(client)
        async with postgres.on(FAULT):
            assert "Seq Scan" in await plan(client)
        assert "orders_customer" in await plan(client)


async def test_plans_that_are_cached_lose_it_too(postgres: Any) -> None:
    async with postgres.client() as client:
        await client.execute("PREPARE asking AS " + QUERY)
        await client.execute("EXECUTE asking")

        async def cached() -> str:
            return "\n".join(line for [line] in await client.fetch("EXPLAIN EXECUTE asking"))

        assert "orders_customer" in await cached()
        async with postgres.on(FAULT):
            assert "Seq Scan" in await cached()
        assert "orders_customer" in await cached()


@pytest.mark.parametrize(
    "rebuilding",
    [
        "REINDEX INDEX orders_customer",
        "REINDEX INDEX CONCURRENTLY orders_customer",
        "CREATE INDEX mine ON orders (customer)",
        "CREATE INDEX CONCURRENTLY mine ON orders (customer)",
    ],
)
async def test_the_owner_cannot_build_it_again(postgres: Any, rebuilding: str) -> None:
    async with postgres.client() as client:
        async with postgres.on(FAULT):
            await client.execute(rebuilding)
            assert "Seq Scan" in await plan(client)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await client.execute("DELETE FROM faultline.dropped")
        assert "Index" in await plan(client)
        assert await client.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
        await client.execute("DROP INDEX IF EXISTS mine")


async def test_it_is_whole_afterwards(postgres: Any) -> None:
    async with postgres.client() as client:
        async with postgres.on(FAULT):
            await client.execute("INSERT INTO orders SELECT id, 7, 'new' FROM generate_series(30001, 30050) id")
        await client.execute("SET enable_seqscan = off")
        assert await client.fetchval(QUERY) == 70
        await client.execute("DELETE FROM orders WHERE id > 30000")


async def test_two_indexes_of_one_table_come_back_each_in_its_time(postgres: Any) -> None:
    async with postgres.client() as client:
        key = "EXPLAIN SELECT 1 FROM orders WHERE id = 5"
        async with postgres.on(DropIndex(index="orders_pkey")):
            async with postgres.on(FAULT):
                assert "Seq Scan" in await plan(client)
            assert "orders_customer" in await plan(client)
            assert "Seq Scan" in str(await client.fetch(key))
        assert "orders_pkey" in str(await client.fetch(key))
        assert await client.fetchval("SELECT to_regnamespace('faultline')") is None


async def test_is_felt_and_then_no_more(postgres: Any) -> None:
    target = postgres.target(FAULT)
    await felt(FAULT, target, False)
    await FAULT.apply(target)
    assert await felt(FAULT, target, True) == 1
    # What it is felt by makes reading a whole table look so expensive that Postgres would compile how to.
    query = "EXPLAIN ANALYZE SELECT count(*) FROM faultline.dropped WHERE name = 'x'"
    assert "JIT" not in str(await target.ask(query, database="lab"))
    await FAULT.revert(target)
    await felt(FAULT, target, False)
    await target.close()


async def test_ended_before_its_moment_it_never_was(postgres: Any, tools: Any) -> None:
    target = postgres.target(FAULT)
    target.moment = time.time() + 60
    applying = asyncio.create_task(FAULT.apply(target))
    async with postgres.client() as client:
        await tools.until(lambda: client.fetchval("SELECT to_regnamespace('faultline')::text"))
        assert "orders_customer" in await plan(client)
        target._ended.set()
        with pytest.raises(Ended):
            await applying
        await FAULT.revert(target)
        assert await client.fetchval("SELECT to_regnamespace('faultline')") is None
    await target.close()


async def test_ends_with_the_process_that_made_it(postgres: Any, tools: Any) -> None:
    async with postgres.client() as client, postgres.in_a_process("drop_index", index="orders_customer") as injector:
        assert "Seq Scan" in await plan(client)
        injector.kill()

        async def back() -> bool:
            return "orders_customer" in await plan(client)

        await tools.until(back)


async def test_what_was_left_is_put_right(postgres: Any) -> None:
    async with postgres.client("primary", "postgres") as admin:
        for step in (PREPARE, HIDE.format(name="orders_customer")):
            await admin.execute(f"DO $$ BEGIN {step} END $$")
        assert "Seq Scan" in await plan(admin)
        await restore_postgres(postgres.config)
        assert "orders_customer" in await plan(admin)


@pytest.mark.parametrize("index", ["nobody", "orders"])
async def test_what_is_no_index_is_refused_by_name(postgres: Any, index: str) -> None:
    target = postgres.target(FAULT)
    with pytest.raises(StoreError, match=rf"index must be .* got {index}"):
        await DropIndex(index=index).apply(target)
    await target.close()
