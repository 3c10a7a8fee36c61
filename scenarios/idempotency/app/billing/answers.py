"""The answers that were given, by the key of their request: the terminal that asks again gets the same one."""

from __future__ import annotations

from redis.asyncio import Redis

from billing.ledger import Charge


class Answers:
    """Keeps each answer for `seconds`: until the terminals count from 1 again."""

    def __init__(self, redis: Redis, seconds: int) -> None:
        self._redis = redis
        self._seconds = seconds

    async def get(self, key: str) -> Charge | None:
        """What was answered to this key."""
        kept = await self._redis.get(f"answer:{key}")
        return Charge.model_validate_json(kept) if kept else None

    async def keep(self, key: str, answer: Charge) -> None:
        await self._redis.set(f"answer:{key}", answer.model_dump_json(), ex=self._seconds)
