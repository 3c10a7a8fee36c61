"""evict: Redis has to drop keys, or refuse writes, and has its memory back at the end."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError
from tests.stores import felt

from faultline.faults.evict import Evict
from faultline.injector.targets.redis import restore_redis

pytestmark = pytest.mark.e2e


@pytest.fixture
async def filled(redis: Any) -> Any:
    async with redis.redis() as client:
        await client.flushall()
        await client.mset({f"page:{i}": "x" * 1000 for i in range(3000)})
        yield client
        await restore_redis(redis.config)
        await client.flushall()


async def test_about_half_of_the_keys_are_evicted_and_room_is_there_again(redis: Any, filled: Any, tools: Any) -> None:
    async def made_room() -> bool:
        memory = await filled.info("memory")
        return bool(memory["used_memory"] <= memory["maxmemory"])

    async with redis.on(Evict(percent=50, policy="allkeys-random")):
        # Redis evicts in small steps between commands, so that none has to wait long.
        await tools.until(made_room)
        assert 1000 < await filled.dbsize() < 2500
    await filled.mset({f"page:{i}": "x" * 1000 for i in range(3000)})
    assert await filled.dbsize() >= 3000
    assert (await filled.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"


async def test_with_noeviction_writes_are_refused(redis: Any, filled: Any) -> None:
    async with redis.on(Evict(percent=50)):
        with pytest.raises(OutOfMemoryError):
            await filled.set("one", "more")
        assert await filled.get("page:1")
    await filled.set("one", "more")


@pytest.mark.parametrize("policy", ["allkeys-lru", None])
async def test_is_felt_and_then_no_more(redis: Any, filled: Any, policy: str | None) -> None:
    fault = Evict(percent=50, policy=policy)
    target = redis.target(fault)
    await felt(fault, target, False)
    await fault.apply(target)
    assert await felt(fault, target, True) == 1
    await fault.revert(target)
    await felt(fault, target, False)
    await target.close()


async def test_what_was_left_is_put_right(redis: Any, filled: Any) -> None:
    await filled.config_set("maxmemory", 1)
    await restore_redis(redis.config)
    await filled.set("one", "more")
