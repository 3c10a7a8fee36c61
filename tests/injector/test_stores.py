"""A reset gives the data stores their first content again, whatever a run did to them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg
import pytest
from tests.stores import felt

from faultline.errors import Unreachable
from faultline.faults.drop_index import DropIndex
from faultline.injector import stores
from faultline.injector.lab import Lab
from faultline.injector.stores import reset_postgres, reset_redis

FIRST = "SELECT count(*) FILTER (WHERE note = 'a note') FROM orders"


@pytest.mark.e2e
async def test_postgres_has_its_first_data_again_at_the_replica_too(postgres: Any) -> None:
    async with postgres.client() as client:
        await client.execute("UPDATE orders SET note = 'changed'")
        await client.execute("CREATE TABLE more ()")
        await reset_postgres(postgres.config)
        assert client.is_closed()
    for server in ("primary", "replica"):
        async with postgres.client(server) as client:
            assert await client.fetchval(FIRST) == 20000
            assert await client.fetchval("SELECT to_regclass('more')") is None


@pytest.mark.e2e
async def test_clients_that_connect_again_and_again_do_not_keep_it_from_that(postgres: Any) -> None:
    async def insist() -> None:
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with postgres.client() as client:
                    await client.execute("DELETE FROM orders WHERE id < 100")
            await asyncio.sleep(0)

    insisting = [asyncio.create_task(insist()) for _ in range(4)]
    try:
        await reset_postgres(postgres.config)
    finally:
        for each in insisting:
            each.cancel()
        await asyncio.gather(*insisting, return_exceptions=True)
    await reset_postgres(postgres.config)
    async with postgres.client() as client:
        assert await client.fetchval(FIRST) == 20000


@pytest.mark.e2e
async def test_what_faults_left_is_put_right_first(postgres: Any) -> None:
    async with postgres.client("replica", "postgres") as replica:
        await replica.execute("SELECT pg_wal_replay_pause()")
        await replica.execute("ALTER SYSTEM SET recovery_min_apply_delay = '10s'")
        await replica.execute("SELECT pg_reload_conf()")
    async with Lab(postgres.config) as lab:
        assert await lab.reset() < stores.RESET_SECONDS
    async with postgres.client("replica", "postgres") as replica:
        assert await replica.fetchval("SELECT pg_get_wal_replay_pause_state()") == "not paused"
        assert await replica.fetchval("SHOW recovery_min_apply_delay") == "0"


@pytest.mark.e2e
async def test_a_fault_under_way_does_not_keep_it_from_that(postgres: Any) -> None:
    fault = DropIndex(index="orders_customer")
    async with postgres.on(fault) as target:
        async with postgres.client() as client:
            await client.execute("UPDATE orders SET note = 'changed'")
        await reset_postgres(postgres.config)
        async with postgres.client() as client:
            assert await client.fetchval(FIRST) == 20000
        # Nobody ended it, so it comes to the new database too, and goes from there as it would have from the old one.
        await felt(fault, target, True)
    async with postgres.client() as client:
        plan = await client.fetch("EXPLAIN SELECT 1 FROM orders WHERE customer = 1")
        assert "orders_customer" in str(plan)


async def test_a_postgres_that_is_away_is_named(config: Any, ports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "RESET_SECONDS", 0.5)
    [port] = ports.free(1)
    with pytest.raises(Unreachable, match=f"Postgres at 127.0.0.1:{port} was not reset") as caught:
        await reset_postgres(config.model_copy(update={"postgres": f"127.0.0.1:{port}"}))
    assert caught.value.code == "FL622"


async def test_a_second_postgres_that_is_away_is_named_too(
    config: Any, ports: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "RESET_SECONDS", 0.5)
    [port] = ports.free(1)
    with pytest.raises(Unreachable, match=f"Postgres at 127.0.0.1:{port} was not reset"):
        await reset_postgres(config.model_copy(update={"postgres_second": f"127.0.0.1:{port}"}))


@pytest.mark.e2e
async def test_a_second_postgres_begins_again_as_well(postgres: Any) -> None:
    config = postgres.config.model_copy(update={"postgres": None, "postgres_second": postgres.config.postgres})
    async with postgres.client() as client:
        await client.execute("UPDATE orders SET note = 'changed'")
    await reset_postgres(config)
    async with postgres.client() as client:
        assert await client.fetchval(FIRST) == 20000
    # A second one has no replicas to wait for, but this one has, and the next test may ask it.
    await reset_postgres(postgres.config)


@pytest.mark.e2e
async def test_replicas_that_lag_are_waited_for_and_then_named(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "RESET_SECONDS", 3.0)
    async with postgres.client("replica", "postgres") as replica:
        await replica.execute("SELECT pg_wal_replay_pause()")
        with pytest.raises(Unreachable, match="replicas lag") as caught:
            await reset_postgres(postgres.config)
        assert caught.value.code == "FL622"
        await replica.execute("SELECT pg_wal_replay_resume()")
    await reset_postgres(postgres.config)


@pytest.mark.e2e
async def test_redis_is_empty(redis: Any) -> None:
    async with redis.redis() as client:
        await client.set("old", 1)
        await reset_redis(redis.config)
        assert await client.dbsize() == 0


async def test_a_redis_that_is_away_is_named(config: Any, ports: Any) -> None:
    [port] = ports.free(1)
    with pytest.raises(Unreachable, match=f"Redis at 127.0.0.1:{port} was not emptied") as caught:
        await reset_redis(config.model_copy(update={"redis": f"127.0.0.1:{port}"}))
    assert caught.value.code == "FL623"


async def test_a_lab_without_stores_has_nothing_to_reset(config: Any) -> None:
    await reset_postgres(config)
    await reset_redis(config)
