"""replay_delay: the replica is a fixed time behind, until nobody delays it any more."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tests.stores import felt

from faultline.faults.replay_delay import ReplayDelay
from faultline.injector.targets.postgres import restore_postgres

pytestmark = pytest.mark.e2e

SETTING = "SHOW recovery_min_apply_delay"


async def seconds_until_read(postgres: Any, note: str) -> float:
    async with postgres.client() as primary, postgres.client("replica") as replica:
        began = time.monotonic()
        await primary.execute("UPDATE orders SET note = $1 WHERE id = 2", note)
        async with asyncio.timeout(60):
            while await replica.fetchval("SELECT note FROM orders WHERE id = 2") != note:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return time.monotonic() - began


async def read_at_once(postgres: Any) -> bool:
    """Whether a write is seen sooner than with the delay, which a busy machine may have to try again."""
    return await seconds_until_read(postgres, f"at once, {time.monotonic_ns()}") < 1.4


async def test_a_write_is_seen_after_the_delay_and_at_once_when_it_is_over(postgres: Any, tools: Any) -> None:
    async with postgres.on(ReplayDelay(delay="1500ms")):
        assert await seconds_until_read(postgres, "late") >= 1.4
    await tools.until(lambda: read_at_once(postgres))


async def test_is_felt_as_the_delay_and_then_no_more(postgres: Any, tools: Any) -> None:
    fault = ReplayDelay(delay="1s")
    async with postgres.on(fault) as target:
        assert await felt(fault, target, True) >= 0.5
        await asyncio.sleep(1)

        async def as_the_delay() -> bool:
            return 0.9 <= await felt(fault, target, True) < 2

        await tools.until(as_the_delay)
        await fault.revert(target)
        await felt(fault, target, False)


async def test_ends_with_the_process_that_made_it(postgres: Any, tools: Any) -> None:
    async with (
        postgres.client("replica", "postgres") as admin,
        postgres.in_a_process("replay_delay", delay="3s") as injector,
    ):

        async def delayed() -> bool:
            return bool(await admin.fetchval(SETTING) == "3s")

        async def undelayed() -> bool:
            return bool(await admin.fetchval(SETTING) == "0")

        await tools.until(delayed)
        injector.kill()
        await tools.until(undelayed)


async def test_what_was_left_is_put_right(postgres: Any, tools: Any) -> None:
    async with postgres.client("replica", "postgres") as admin:
        await admin.execute("ALTER SYSTEM SET recovery_min_apply_delay = '5s'")
        await restore_postgres(postgres.config)

        async def undelayed() -> bool:
            return bool(await admin.fetchval(SETTING) == "0")

        await tools.until(undelayed)
        await tools.until(lambda: read_at_once(postgres))
