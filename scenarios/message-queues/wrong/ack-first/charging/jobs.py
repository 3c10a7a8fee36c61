"""Rides that wait to be charged: a stream in Redis, of which each worker gets other ones."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

from pydantic import BaseModel, Field
from redis.asyncio import Redis
from redis.exceptions import ResponseError

KEY, GROUP, DEAD = "rides", "workers", "rides-dead"
WAIT_MILLISECONDS = 1000
MOST = 32


class Ride(BaseModel):
    """A ride that has ended; `fare` in cents, 0 where a voucher paid for it."""

    id: str = Field(min_length=8, max_length=64)
    fare: int = Field(ge=0)


class Full(Exception):
    """More rides wait than can be charged soon."""


class Jobs:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._consumer = uuid4().hex

    async def join(self) -> None:
        """Make the group of the workers, unless it is there."""
        with suppress(ResponseError):
            await self._redis.xgroup_create(KEY, GROUP, id="0", mkstream=True)

    async def put(self, ride: Ride) -> None:
        """Raises Full."""
        if await self._redis.xlen(KEY) >= MOST:
            raise Full(f"{MOST} rides wait")
        await self._redis.xadd(KEY, {"ride": ride.model_dump_json()})

    async def take(self) -> tuple[str, Ride] | None:
        """The oldest ride that nobody has, which is out of the queue then; None when there was none."""
        read = await self._redis.xreadgroup(GROUP, self._consumer, {KEY: ">"}, count=1, block=WAIT_MILLISECONDS)
        if not read:
            return None
        [[entry, fields]] = read[0][1]
        await self._done(entry)
        return entry, Ride.model_validate_json(fields["ride"])

    async def _done(self, entry: str) -> None:
        async with self._redis.pipeline() as both:
            await both.xack(KEY, GROUP, entry).xdel(KEY, entry).execute()

    async def bury(self, ride: Ride) -> None:
        """Put aside for a human what nobody can charge."""
        await self._redis.xadd(DEAD, {"ride": ride.model_dump_json()})
