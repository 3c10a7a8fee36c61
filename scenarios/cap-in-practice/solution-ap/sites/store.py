"""The notes of one site, in the site's own Postgres."""

from __future__ import annotations

import asyncpg
from pydantic import BaseModel

from labkit import clock

# Each site decides by the same rule, so that it does not matter who hears of what first.
NEWEST_WINS = """
INSERT INTO notes (key, value, written_at) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, written_at = excluded.written_at
WHERE (excluded.written_at, excluded.value) > (notes.written_at, notes.value)
"""


class Note(BaseModel):
    value: int


class Copy(Note):
    """A note as the other site has it, with the time at which somebody wrote it."""

    key: str
    written_at: float


class Notes:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def put(self, key: str, note: Note) -> None:
        """Write a note; the one that was there before is gone."""
        await self._pool.execute(NEWEST_WINS, key, note.value, clock.now())

    async def copies(self) -> list[Copy]:
        """All that this site has."""
        return [Copy(**row) for row in await self._pool.fetch("SELECT key, value, written_at FROM notes")]

    async def merge(self, copies: list[Copy]) -> None:
        """Take over what is newer than what is here."""
        await self._pool.executemany(NEWEST_WINS, [(each.key, each.value, each.written_at) for each in copies])

    async def get(self, key: str) -> Note | None:
        value = await self._pool.fetchval("SELECT value FROM notes WHERE key = $1", key)
        return None if value is None else Note(value=value)
