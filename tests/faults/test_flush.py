"""flush: every key is gone at its start, and what comes later stays."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stores import felt

from faultline.faults.flush import Flush

pytestmark = pytest.mark.e2e

FAULT = Flush()


async def test_keys_are_lost_and_new_ones_stay(redis: Any) -> None:
    async with redis.redis() as client:
        await client.set("old", 1)
        async with redis.on(FAULT):
            assert await client.get("old") is None
            await client.set("new", 1)
        assert await client.get("new") == "1"


async def test_is_felt_and_then_no_more(redis: Any) -> None:
    target = redis.target(FAULT)
    assert await FAULT.felt(target) is None
    await FAULT.apply(target)
    assert await felt(FAULT, target, True) == 1
    await FAULT.revert(target)
    await felt(FAULT, target, False)
    await target.close()


async def test_an_injector_that_comes_back_does_not_do_it_again(redis: Any) -> None:
    async with redis.redis() as client, redis.on(FAULT) as target:
        await client.set("refilled", 1)
        await FAULT.apply(target)
        assert await client.get("refilled") == "1"
