"""replay_pause: the replica answers with old data, until nobody pauses it any more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.stores import felt

from faultline.faults.replay_pause import ReplayPause
from faultline.injector.targets.postgres import restore_postgres

pytestmark = pytest.mark.e2e


async def write(postgres: Any, note: str) -> None:
    async with postgres.client() as client:
        await client.execute("UPDATE orders SET note = $1 WHERE id = 1", note)


async def read(postgres: Any) -> str:
    async with postgres.client("replica") as client:
        return str(await client.fetchval("SELECT note FROM orders WHERE id = 1"))


async def until_read(postgres: Any, note: str, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while await read(postgres) != note:  # noqa: ASYNC110 another machine's state has no Event
            await asyncio.sleep(0.05)


async def test_replica_misses_writes_while_it_is_on_and_catches_up_afterwards(postgres: Any) -> None:
    await write(postgres, "before")
    await until_read(postgres, "before")
    async with postgres.on(ReplayPause()):
        await write(postgres, "during")
        await asyncio.sleep(0.5)
        assert await read(postgres) == "before"
    await until_read(postgres, "during")


async def test_is_felt_as_seconds_and_then_no_more(postgres: Any) -> None:
    fault = ReplayPause()
    async with postgres.on(fault) as target:
        assert await felt(fault, target, True) >= 0.5
        await fault.revert(target)
        await felt(fault, target, False)


async def test_ends_with_the_process_that_made_it(postgres: Any) -> None:
    await write(postgres, "seen")
    await until_read(postgres, "seen")
    async with postgres.in_a_process("replay_pause") as injector:
        await write(postgres, "unseen")
        await asyncio.sleep(0.5)
        assert await read(postgres) == "seen"
        injector.kill()
        await until_read(postgres, "unseen")


async def test_two_at_once_last_until_both_are_over(postgres: Any) -> None:
    await write(postgres, "before both")
    await until_read(postgres, "before both")
    async with postgres.on(ReplayPause()):
        async with postgres.on(ReplayPause(percent=50)):
            await write(postgres, "during both")
        await asyncio.sleep(0.5)
        assert await read(postgres) == "before both"
    await until_read(postgres, "during both")


async def test_ended_by_hand_it_is_on_again_and_the_gap_is_on_record(postgres: Any, tools: Any) -> None:
    async with postgres.on(ReplayPause()) as target, postgres.client("replica", "postgres") as admin:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%on guard%' "
            "AND pid <> pg_backend_pid()"
        )
        await tools.until(lambda: target.record.statuses[target.fault].gap > 0)
        assert await admin.fetchval("SELECT pg_get_wal_replay_pause_state()") == "paused"
    await write(postgres, "at the end")
    await until_read(postgres, "at the end")


async def test_what_was_left_is_put_right(postgres: Any) -> None:
    async with postgres.client("replica", "postgres") as admin:
        await admin.execute("SELECT pg_wal_replay_pause()")
        await restore_postgres(postgres.config)
        assert await admin.fetchval("SELECT pg_get_wal_replay_pause_state()") == "not paused"
