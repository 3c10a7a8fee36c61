"""restart_cold: nobody answers for a while, then an empty Redis does."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import RedisError
from tests.stores import felt

from faultline.faults.restart_cold import RestartCold

pytestmark = pytest.mark.e2e


async def test_is_away_and_comes_back_empty_with_its_settings(redis: Any, tools: Any) -> None:
    async with redis.redis() as client:
        await client.set("old", 1)
        target = redis.target(fault := RestartCold(down="700ms"))
        await fault.apply(target)
        with pytest.raises(RedisError):
            await client.ping()

        async def back() -> bool:
            try:
                return bool(await client.ping())
            except RedisError:
                return False

        await tools.until(back)
        assert await client.get("old") is None
        assert (await client.config_get("maxmemory"))["maxmemory"] == str(64 * 1024 * 1024)
        await target.close()


async def test_is_felt_until_the_end_and_then_no_more(redis: Any) -> None:
    fault = RestartCold(down="500ms")
    async with redis.on(fault) as target:
        assert await felt(fault, target, True) == 1
        with pytest.raises(AssertionError):
            await felt(fault, target, False, seconds=1.5)
        await fault.revert(target)
        await felt(fault, target, False)


async def test_an_injector_that_comes_back_does_not_do_it_again(redis: Any, tools: Any) -> None:
    fault = RestartCold(down="300ms")
    async with redis.redis() as client:

        async def process() -> str:
            try:
                return str((await client.info("server"))["run_id"])
            except RedisError:
                return ""

        async with redis.on(fault) as target:
            started = await tools.until(process)
            await fault.apply(target)
            assert await process() == started
