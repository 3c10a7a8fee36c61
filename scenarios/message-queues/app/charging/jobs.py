"""Rides that wait to be charged: a list in Redis. New ones come in on the left, the oldest goes out on the right."""

from __future__ import annotations

from pydantic import BaseModel, Field
from redis.asyncio import Redis

KEY = "rides"
WAIT_SECONDS = 1


class Ride(BaseModel):
    """A ride that has ended; `fare` in cents, 0 where a voucher paid for it."""

    id: str = Field(min_length=8, max_length=64)
    fare: int = Field(ge=0)


class Jobs:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def put(self, ride: Ride) -> None:
        await self._redis.lpush(KEY, ride.model_dump_json())

    async def take(self) -> Ride | None:
        """The oldest ride; None when there was none for a while."""
        found = await self._redis.brpop([KEY], timeout=WAIT_SECONDS)
        return Ride.model_validate_json(found[1]) if found else None

    async def put_back(self, ride: Ride) -> None:
        """It is the next one again, so that rides are charged in their order."""
        await self._redis.rpush(KEY, ride.model_dump_json())
