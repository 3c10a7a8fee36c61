"""Links, in Postgres: written on the primary, read on the replica, and what was read is kept in Redis."""

from __future__ import annotations

import asyncpg
from pydantic import BaseModel, Field
from redis.asyncio import Redis

from links.codes import codes


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

    async def make(self, new: NewLink) -> Link:
        """A link with the first of its codes that is free."""
        for code in codes(new.target):
            if not await self._replica.fetchval("SELECT 1 FROM links WHERE code = $1", code):
                break
        await self._primary.execute(
            "INSERT INTO links (code, target, customer) VALUES ($1, $2, $3)", code, new.target, new.customer
        )
        return Link(code=code, **new.model_dump())

    async def target(self, code: str) -> str | None:
        """Where a link leads to; None when nobody has that code."""
        target: str | None = await self._redis.get(f"link:{code}")
        if target is None:
            target = await self._replica.fetchval("SELECT target FROM links WHERE code = $1", code)
            if target is not None:
                await self._redis.set(f"link:{code}", target)
        return target

    async def report(self, code: str) -> Report | None:
        row = await self._primary.fetchrow("SELECT code, target, customer, clicks FROM links WHERE code = $1", code)
        return Report(**row) if row else None
