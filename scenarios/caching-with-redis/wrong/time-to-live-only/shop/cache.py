"""Pages kept in Redis, and a copy of each in this process for when Redis is slow or away."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

REST_SECONDS = 3.0


class Cache:
    """Cache-aside. What is made lives for `seconds`, in Redis and in here."""

    def __init__(self, redis: Redis, seconds: int) -> None:
        self._redis, self._seconds = redis, seconds
        self._copies: dict[str, tuple[float, bytes]] = {}
        self._rest_until = 0.0

    async def get(self, key: str, make: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """What is kept under `key`, or else what `make` gives. The copies are for when Redis does not answer."""
        page: bytes | None = await self._ask(self._redis.get, key)
        if page is None and time.monotonic() < self._rest_until:
            until, copy = self._copies.get(key, (0.0, b""))
            page = copy if time.monotonic() < until else None
        if page is None and (page := await make()) is not None:
            self._copies[key] = (time.monotonic() + self._seconds, page)
            await self._ask(self._redis.set, key, page, self._seconds)
        return page

    async def _ask(self, command: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        """What Redis says. None when it says nothing, and then it is left alone for a while."""
        if time.monotonic() < self._rest_until:
            return None
        try:
            return await command(*arguments)
        except RedisError:
            self._rest_until = time.monotonic() + REST_SECONDS
            return None
