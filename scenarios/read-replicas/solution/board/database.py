"""The way to Postgres: writes go to the primary, reads to the replicas. TimeoutError: no connection, or no answer."""

from __future__ import annotations

import time
from typing import Any

import asyncpg

SECONDS = 2.0
REPLICA_SECONDS = 0.7
FAILURES = 5
REST_SECONDS = 1.0


class Database:
    def __init__(self, primary: asyncpg.Pool, replicas: asyncpg.Pool) -> None:
        self._primary, self._replicas = primary, replicas
        self._failures, self._rest_until = 0, 0.0

    async def write(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        """Run a statement that changes something; gives the row that it returns."""
        async with self._primary.acquire(timeout=SECONDS) as connection:
            return await connection.fetchrow(statement, *arguments, timeout=SECONDS)

    async def read(
        self, query: str, *arguments: Any, newest: bool = False, costly: bool = False
    ) -> list[asyncpg.Record]:
        """The rows of a query. Replicas may not know the `newest` yet; for the `costly` the primary has no room."""
        if not newest:
            try:
                return await self._read_replica(query, *arguments)
            except TimeoutError:
                if costly:
                    raise
        async with self._primary.acquire(timeout=SECONDS) as connection:
            return await connection.fetch(query, *arguments, timeout=SECONDS)

    async def _read_replica(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        if time.monotonic() < self._rest_until:
            raise TimeoutError("the replicas are left alone for a moment")
        try:
            async with self._replicas.acquire(timeout=REPLICA_SECONDS) as connection:
                rows = await connection.fetch(query, *arguments, timeout=REPLICA_SECONDS)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._failures += 1
            if self._failures >= FAILURES:
                self._rest_until = time.monotonic() + REST_SECONDS
            raise TimeoutError("no replica answers") from error
        self._failures = 0
        return rows
