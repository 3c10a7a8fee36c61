"""Who works on which key, and the answers that were given: the terminal that asks again gets the same one."""

from __future__ import annotations

from pydantic import BaseModel
from redis.asyncio import Redis

from billing.ledger import Charge, Sale


class Claim(BaseModel):
    """What a key is used for; `answer` once there is one."""

    sale: Sale
    answer: Charge | None = None


class KeyReused(Exception):
    """The key was used for another sale, not long ago."""


class InProgress(Exception):
    """The first request with this key has no answer yet."""


class Answers:
    """Keeps each claim for `seconds`: until the terminals count from 1 again."""

    def __init__(self, redis: Redis, seconds: int) -> None:
        self._redis = redis
        self._seconds = seconds

    async def claim(self, key: str, sale: Sale) -> Charge | None:
        """None for who comes first with a key, else what was answered. Raises KeyReused or InProgress."""
        if await self._redis.set(f"answer:{key}", Claim(sale=sale).model_dump_json(), nx=True, ex=self._seconds):
            return None
        kept = await self._redis.get(f"answer:{key}")
        if kept is None:
            raise InProgress(f"the key {key} was given back just now")
        claim = Claim.model_validate_json(kept)
        if claim.sale != sale:
            raise KeyReused(f"the key {key} was used for another sale")
        if claim.answer is None:
            raise InProgress(f"the key {key} is being worked on")
        return claim.answer

    async def keep(self, key: str, sale: Sale, answer: Charge) -> None:
        claim = Claim(sale=sale, answer=answer)
        await self._redis.set(f"answer:{key}", claim.model_dump_json(), ex=self._seconds)

    async def release(self, key: str) -> None:
        await self._redis.delete(f"answer:{key}")
