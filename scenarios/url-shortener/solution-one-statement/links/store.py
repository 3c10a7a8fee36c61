"""Links, in Postgres: all of it on the primary, one statement for each request."""

from __future__ import annotations

import asyncpg
from pydantic import BaseModel, Field

from links.codes import codes

INSERT = "INSERT INTO links (code, target, customer) VALUES ($1, $2, $3) ON CONFLICT (code) DO NOTHING RETURNING code"


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
    def __init__(self, primary: asyncpg.Pool) -> None:
        self._primary = primary

    async def make(self, new: NewLink) -> Link:
        """A link with the first of its codes that is free."""
        for code in codes(new.target):
            if await self._primary.fetchval(INSERT, code, new.target, new.customer):
                break
        return Link(code=code, **new.model_dump())

    async def follow(self, code: str) -> str | None:
        """Where a link leads to, and one click more; None when nobody has that code."""
        target: str | None = await self._primary.fetchval(
            "UPDATE links SET clicks = clicks + 1 WHERE code = $1 RETURNING target", code
        )
        return target

    async def report(self, code: str) -> Report | None:
        row = await self._primary.fetchrow("SELECT code, target, customer, clicks FROM links WHERE code = $1", code)
        return Report(**row) if row else None
