"""The cache of caching-with-redis' reference solution, where Redis does not answer: the part that needs no cluster."""

from __future__ import annotations

import asyncio

import pytest

from labkit.redis import create_client

SLUG = "caching-with-redis"
SECONDS = 4


@pytest.fixture
def solution(module):
    return module(SLUG, "solution", "shop.cache")


class Clock:
    """Stands in for the module `time`."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(solution, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(solution, "time", clock)
    return clock


@pytest.fixture
async def silent():
    """A Redis that takes connections and says nothing: its URL, and the connections that it took."""
    taken = []

    async def swallow(reader, writer):
        taken.append(writer)
        await reader.read()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", taken
    server.close()
    for each in taken:
        each.close()
        await each.wait_closed()


class Kitchen:
    """Makes pages, and counts them."""

    def __init__(self):
        self.made = 0

    async def make(self):
        self.made += 1
        return b"page %d" % self.made


@pytest.fixture
async def cache(solution, clock, silent):
    redis = create_client(silent[0], timeout=0.5, retries=0, decode=False, name="test")
    yield solution.Cache(redis, SECONDS)
    await redis.aclose()


async def test_a_page_is_made_once_while_redis_is_away(cache):
    kitchen = Kitchen()
    pages = [await cache.get("product:1", kitchen.make) for _ in range(5)]
    assert pages == [b"page 1"] * 5


async def test_a_copy_is_shown_no_longer_than_its_time_to_live(cache, clock):
    kitchen = Kitchen()
    await cache.get("product:1", kitchen.make)
    clock.now += SECONDS - 0.1
    assert await cache.get("product:1", kitchen.make) == b"page 1"
    clock.now += 0.2
    assert await cache.get("product:1", kitchen.make) == b"page 2"


async def test_redis_that_said_nothing_is_left_alone_for_a_while(clock, solution, silent):
    kitchen, taken = Kitchen(), silent[1]
    redis = create_client(silent[0], timeout=3, retries=0, decode=False, name="test")  # enough for its connection
    cache = solution.Cache(redis, SECONDS)
    for number in range(5):
        await cache.get(f"product:{number}", kitchen.make)
    assert len(taken) == 1
    clock.now += solution.REST_SECONDS + 0.1
    await cache.get("product:9", kitchen.make)
    assert len(taken) == 2
    await redis.aclose()


async def test_what_is_not_there_is_not_kept(cache):
    async def nothing():
        return None

    assert await cache.get("product:1", nothing) is None
    assert await cache.get("product:1", Kitchen().make) == b"page 1"


async def test_an_error_in_making_a_page_is_no_miss(cache):
    async def broken():
        raise ConnectionResetError("the database")

    with pytest.raises(ConnectionResetError, match="the database"):
        await cache.get("product:1", broken)
