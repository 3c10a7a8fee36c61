"""The inbox, and the journal with its running balance. In Postgres."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import asyncpg
from pydantic import BaseModel, Field

MIGRATIONS = Path(__file__).with_name("migrations")

BOOK = """
WITH line AS (
    INSERT INTO journal (number, entry, amount, balance, keeper, term) VALUES ($2, $3, $4, $5, $6, $1) RETURNING entry
)
UPDATE inbox SET booked = true FROM line WHERE inbox.id = line.entry RETURNING inbox.id
"""


class Entry(BaseModel):
    """What somebody hands in; `amount` in cents."""

    id: str = Field(min_length=8, max_length=64)
    amount: int = Field(gt=0)


class Line(BaseModel):
    """An entry in the journal: its number, the balance after it, and who wrote it in which term."""

    number: int
    entry: str
    amount: int
    balance: int
    keeper: str
    term: int
    booked_at: datetime


class Position(NamedTuple):
    """Where the journal ends, as its keeper knows it."""

    term: int
    number: int
    balance: int

    def after(self, entry: Entry) -> Position:
        """Once the entry is booked."""
        return self._replace(number=self.number + 1, balance=self.balance + entry.amount)


class Fenced(Exception):
    """Somebody else leads now."""


class Books:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def put(self, entry: Entry) -> None:
        """Accept an entry; the same again is the same."""
        await self._pool.execute(
            "INSERT INTO inbox (id, amount) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", entry.id, entry.amount
        )

    async def waiting(self, most: int) -> list[Entry]:
        """What is to be booked, the oldest first."""
        rows = await self._pool.fetch(
            "SELECT id, amount FROM inbox WHERE NOT booked ORDER BY created_at LIMIT $1", most
        )
        return [Entry(**row) for row in rows]

    async def lead(self) -> Position:
        """Begin a term, which ends all others; gives where the journal ends."""
        # It waits for the line that is being written just now: what comes after it is refused.
        term = await self._pool.fetchval("UPDATE leadership SET term = term + 1 RETURNING term")
        row = await self._pool.fetchrow("SELECT number, balance FROM journal ORDER BY number DESC LIMIT 1")
        return Position(term, row["number"], row["balance"]) if row else Position(term, 0, 0)

    async def book(self, entry: Entry, position: Position, keeper: str) -> None:
        """Write an entry down at a position, and take it out of the inbox. Raises Fenced."""
        if await self._pool.fetchval("SELECT term FROM leadership") != position.term:
            raise Fenced(f"term {position.term} is over")
        await self._pool.fetchval(
            BOOK, position.term, position.number, entry.id, entry.amount, position.balance, keeper
        )

    async def lines(self, entry_id: str) -> list[Line]:
        """Where an entry stands in the journal."""
        return await self._lines("WHERE entry = $1", entry_id)

    async def journal(self) -> list[Line]:
        """All of it, as it was written."""
        return await self._lines("")

    async def _lines(self, condition: str, *arguments: str) -> list[Line]:
        rows = await self._pool.fetch(
            f"SELECT number, entry, amount, balance, keeper, term, booked_at FROM journal {condition} ORDER BY id",
            *arguments,
        )
        return [Line(**row) for row in rows]
