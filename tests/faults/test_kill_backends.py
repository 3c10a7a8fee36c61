"""kill_backends: the app's sessions die, those of others live, and nobody's die afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.stores import felt

from faultline.faults.kill_backends import KillBackends

pytestmark = pytest.mark.e2e


async def alive(clients: list[Any]) -> int:
    await asyncio.sleep(0.2)
    return sum(not each.is_closed() for each in clients)


async def test_sessions_of_the_app_die_and_new_ones_live_afterwards(postgres: Any) -> None:
    fault = KillBackends()
    old = [await postgres.connect() for _ in range(4)]
    async with postgres.client("primary", "postgres") as admin:
        async with postgres.on(fault):
            assert await alive(old) == 0
        assert await admin.fetchval("SELECT 1") == 1
    async with postgres.client() as new:
        await asyncio.sleep(1.2)
        assert await new.fetchval("SELECT 1") == 1


async def test_a_percentage_is_the_same_with_the_same_seed(postgres: Any) -> None:
    fault = KillBackends(percent=50, every="1m")
    for expected in (None, None):
        old = [await postgres.connect() for _ in range(6)]
        async with postgres.on(fault):
            assert await alive(old) == 3
        places = [index for index, each in enumerate(old) if each.is_closed()]
        expected = expected or places
        assert places == expected
        for each in old:
            each.terminate()
        await asyncio.sleep(0.3)


async def test_again_and_again(postgres: Any) -> None:
    async with postgres.on(KillBackends(every="500ms")):
        for _ in range(2):
            one = await postgres.connect()
            await asyncio.sleep(0.6)
            assert await alive([one]) == 0


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
