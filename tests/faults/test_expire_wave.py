"""expire_wave: the chosen keys vanish together at the moment, the others stay."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.stores import felt

from faultline.faults.expire_wave import ExpireWave

pytestmark = pytest.mark.e2e


@pytest.fixture
async def filled(redis: Any) -> Any:
    async with redis.redis() as client:
        await client.flushall()
        await client.mset({f"page:{i}": i for i in range(1500)} | {f"user:{i}": i for i in range(100)})
        yield client


async def test_a_percentage_of_those_that_match_is_gone(redis: Any, filled: Any) -> None:
    async with redis.on(ExpireWave(percent=40, match="page:*")) as target:
        assert len(await filled.keys("page:*")) == 900
        assert len(await filled.keys("user:*")) == 100
        assert target.record.statuses[target.fault].target == "600 of 1500 keys"


async def test_the_same_seed_takes_the_same_keys(redis: Any, filled: Any) -> None:
    left = []
    for _ in range(2):
        await filled.mset({f"page:{i}": i for i in range(1500)})
        async with redis.on(ExpireWave(percent=40, match="page:*")):
            left.append(sorted(await filled.keys("page:*")))
    assert left[0] == left[1]


async def test_they_go_at_the_moment_and_not_before(redis: Any, filled: Any) -> None:
    fault = ExpireWave()
    target = redis.target(fault)
    target.moment = time.time() + 20
    await fault._expire(target)
    moments = {await filled.pexpiretime(key) for key in await filled.keys("*")}
    assert moments == {round(target.moment * 1000)}
    await target.close()


async def test_is_felt_and_then_no_more(redis: Any, filled: Any) -> None:
    fault = ExpireWave(percent=10)
    target = redis.target(fault)
    await fault.apply(target)
    assert await felt(fault, target, True) == 1
    await fault.revert(target)
    await felt(fault, target, False)
    await target.close()
