"""redis_pause: nobody is answered while it is on, nobody in between its slices, and everybody soon after its end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from redis.exceptions import RedisError
from tests.stores import felt

from faultline.faults.redis_pause import RedisPause

pytestmark = pytest.mark.e2e

FAULT = RedisPause()


async def test_no_command_gets_through_and_all_do_afterwards(redis: Any, tools: Any) -> None:
    async with redis.redis() as client:
        await client.ping()

        async def soon_after() -> bool:
            """Whether they do within a second, which a busy machine may have to try again."""
            async with redis.on(FAULT):
                asked = [asyncio.create_task(client.incr("count")) for _ in range(5)]
                done, _ = await asyncio.wait(asked, timeout=1.5)
                assert not done
            ended = time.monotonic()
            await asyncio.gather(*asked)
            return time.monotonic() - ended < 1

        await tools.until(soon_after)


async def test_is_felt_and_then_no_more(redis: Any) -> None:
    target = redis.target(FAULT)
    await felt(FAULT, target, False)
    await FAULT.apply(target)
    assert await felt(FAULT, target, True) == 1
    await FAULT.revert(target)
    await felt(FAULT, target, False)
    await target.close()


async def test_two_at_once_last_until_both_are_over(redis: Any) -> None:
    async with redis.redis(seconds=1) as client, redis.on(FAULT):
        async with redis.on(FAULT):
            pass
        with pytest.raises(RedisError):
            await client.ping()


async def test_ends_with_the_process_that_made_it(redis: Any, tools: Any) -> None:
    async with redis.redis(seconds=1) as client, redis.in_a_process("redis_pause") as injector:
        with pytest.raises(RedisError):
            await client.ping()
        injector.kill()

        async def back() -> bool:
            try:
                return bool(await client.ping())
            except RedisError:
                return False

        await tools.until(back)
