"""Links, in Postgres: written on the primary, read on the replica, and what was read is kept in Redis."""

from __future__ import annotations

import asyncpg
from pydantic import BaseModel, Field
from redis.asyncio import Redis

from links.codes import codes
from links.spare import Spare

INSERT = "INSERT INTO links (code, target, customer) VALUES ($1, $2, $3)"
TARGET = "SELECT target FROM links WHERE code = $1"
REPORT = """
SELECT code, target, customer, clicks + (SELECT count(*) FROM clicks c WHERE c.code = l.code) AS clicks
FROM links l WHERE code = $1
"""


class NewLink(BaseModel):
    """What a customer wants a link to. Each gets one of their own, whoever else links to the same page."""

    target: str = Field(pattern=r"^https?://", max_length=2000)
    customer: int


class Link(NewLink):
    code: str


class Report(Link):
    """What the customer is billed for."""

    clicks: int


class Links:
    def __init__(self, primary: asyncpg.Pool, replica: asyncpg.Pool, redis: Redis) -> None:
        self._primary = primary
        self._replica = replica
        self._redis = redis
        self._spare_redis, self._spare_replica = Spare(), Spare()

    async def make(self, new: NewLink) -> Link:
        """A link with the first of its codes that is free."""
        for code in codes(new.target):
            if await self._primary.fetchval(TARGET, code) is None:
                break
        await self._primary.execute(INSERT, code, new.target, new.customer)
        return Link(code=code, **new.model_dump())

    async def target(self, code: str) -> str | None:
        """Where a link leads to; None when nobody has that code."""
        target: str | None = await self._spare_redis.ask(self._redis.get, f"link:{code}")
        if target is None:
            target = await self._spare_replica.ask(self._replica.fetchval, TARGET, code)
            # What the replica does not have may be new, and what it does not answer may be there.
            target = target or await self._primary.fetchval(TARGET, code)
            if target is not None:
                await self._spare_redis.ask(self._redis.set, f"link:{code}", target)
        return target

    async def click(self, code: str) -> None:
        """Count one click: it is safe when this returns."""
        await self._primary.execute("INSERT INTO clicks (code) VALUES ($1)", code)

    async def report(self, code: str) -> Report | None:
        row = await self._primary.fetchrow(REPORT, code)
        return Report(**row) if row else None
