"""The keys that came in, each of them once."""

from __future__ import annotations

from redis.asyncio import Redis


class Keys:
    """Knows each key for `seconds`: until the terminals count from 1 again."""

    def __init__(self, redis: Redis, seconds: int) -> None:
        self._redis = redis
        self._seconds = seconds

    async def take(self, key: str) -> bool:
        """Whether the key is new. Redis decides it, so that one of two at the same time gets it."""
        return bool(await self._redis.set(f"key:{key}", 1, nx=True, ex=self._seconds))
