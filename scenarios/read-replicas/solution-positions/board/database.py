"""The way to Postgres: writes go to the primary, reads to the replicas. TimeoutError: no connection, or no answer.

Replicas lag. A write gives its position in the primary's log, and a read that names a position gets rows that are at
least as new.
"""

from __future__ import annotations

import time
from typing import Any

import asyncpg

SECONDS = 2.0
REPLICA_SECONDS = 0.7
FAILURES = 5
REST_SECONDS = 1.0
POSITION = "SELECT pg_current_wal_lsn()::text"
REACHED = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"


class Database:
    def __init__(self, primary: asyncpg.Pool, replicas: asyncpg.Pool) -> None:
        self._primary, self._replicas = primary, replicas
        self._failures, self._rest_until = 0, 0.0

    async def write(self, statement: str, *arguments: Any) -> tuple[asyncpg.Record | None, str]:
        """Run a statement that changes something; gives the row that it returns, and its position in the log."""
        async with self._primary.acquire(timeout=SECONDS) as connection:
            row = await connection.fetchrow(statement, *arguments, timeout=SECONDS)
            return row, await connection.fetchval(POSITION, timeout=SECONDS)

    async def read(
        self, query: str, *arguments: Any, seen: str | None = None, costly: bool = False
    ) -> list[asyncpg.Record]:
        """The rows of a query, as new as `seen` or newer; for the `costly` the primary has no room."""
        try:
            rows = await self._read_replica(query, *arguments, seen=seen)
            if rows is not None:
                return rows
        except TimeoutError:
            if costly:
                raise
        async with self._primary.acquire(timeout=SECONDS) as connection:
            return await connection.fetch(query, *arguments, timeout=SECONDS)

    async def _read_replica(self, query: str, *arguments: Any, seen: str | None) -> list[asyncpg.Record] | None:
        """None when the replica has not come as far as `seen`."""
        if time.monotonic() < self._rest_until:
            raise TimeoutError("the replicas are left alone for a moment")
        try:
            async with self._replicas.acquire(timeout=REPLICA_SECONDS) as connection:
                if seen and not await connection.fetchval(REACHED, seen, timeout=REPLICA_SECONDS):
                    return None
                rows = await connection.fetch(query, *arguments, timeout=REPLICA_SECONDS)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._failures += 1
            if self._failures >= FAILURES:
                self._rest_until = time.monotonic() + REST_SECONDS
            raise TimeoutError("no replica answers") from error
        self._failures = 0
        return rows
