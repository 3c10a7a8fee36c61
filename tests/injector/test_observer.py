"""Queues as the injector sees them in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from faultline.api.app import Queue
from faultline.injector.clock import Clock
from faultline.injector.observer import Observer, RedisQueue, Waiting

pytestmark = pytest.mark.e2e


@pytest.fixture
async def redis(redis_port: int) -> AsyncIterator[Redis]:
    """Empty."""
    client = Redis(port=redis_port)
    await client.flushall()
    yield client
    await client.aclose()


async def test_an_observer_that_ended_has_no_numbers(config, redis, redis_port, monkeypatch, tools, caplog):
    await redis.rpush("jobs", "a")
    queues = [Queue(name=name, redis=name) for name in ("jobs", "other")]
    observer = Observer(config.model_copy(update={"redis": f"127.0.0.1:{redis_port}", "queues": queues}), Clock())
    task = asyncio.create_task(observer.run())

    async def seen() -> bool:
        return len(observer.waiting) == 2

    await tools.until(seen)
    assert observer.waiting["jobs"].depth == 1

    async def ended(_: RedisQueue) -> Waiting:
        raise KeyError("odd")

    monkeypatch.setattr(RedisQueue, "_list", ended)
    with pytest.raises(ExceptionGroup):
        await task
    assert observer.waiting == {}
    assert "nothing is observed any more" in caplog.text


async def test_a_queue_that_is_not_there_is_empty(redis, clock):
    assert await RedisQueue("jobs", redis, clock).look() == Waiting(0, 0.0)


@pytest.mark.parametrize("push", ["lpush", "rpush"])
async def test_a_list_is_as_old_as_the_oldest_item_that_was_seen(redis, clock, push):
    queue = RedisQueue("jobs", redis, clock)
    add, take = getattr(redis, push), redis.rpop if push == "lpush" else redis.lpop
    await add("jobs", "a")
    assert (await queue.look()).depth == 1
    clock.ahead = 10
    await add("jobs", "b", "c")
    depth, oldest = await queue.look()
    assert (depth, oldest) == (3, pytest.approx(10, abs=1))
    await take("jobs")
    clock.ahead = 14
    depth, oldest = await queue.look()
    # b came between two looks, and was at no end: c stands for it.
    assert (depth, oldest) == (2, pytest.approx(4, abs=1))
    await take("jobs")
    await take("jobs")
    assert await queue.look() == Waiting(0, 0.0)


async def test_a_stream_counts_what_is_taken_and_not_acknowledged(redis, clock):
    queue = RedisQueue("jobs", redis, clock)
    first = await redis.xadd("jobs", {"n": 1})
    await redis.xadd("jobs", {"n": 2})
    clock.ahead = 5
    assert await queue.look() == (2, pytest.approx(5, abs=1))
    await redis.xgroup_create("jobs", "workers", id="0")
    await redis.xreadgroup("workers", "w", {"jobs": ">"}, count=1)
    assert await queue.look() == (2, pytest.approx(5, abs=1))
    await redis.xack("jobs", "workers", first)
    assert (await queue.look()).depth == 1
    second = (await redis.xreadgroup("workers", "w", {"jobs": ">"}))[0][1][0][0]
    await redis.xack("jobs", "workers", second)
    assert await queue.look() == Waiting(0, 0.0)


async def test_a_key_of_another_type_is_no_queue(redis, clock):
    await redis.set("jobs", "x")
    with pytest.raises(ValueError, match="must be a list or a stream, it is a string"):
        await RedisQueue("jobs", redis, clock).look()
