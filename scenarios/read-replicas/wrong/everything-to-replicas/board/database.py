"""The way to Postgres. A statement that finds no connection or gets no answer in time raises TimeoutError."""

from __future__ import annotations

from typing import Any

import asyncpg

SECONDS = 2.0


class Database:
    def __init__(self, primary: asyncpg.Pool, replicas: asyncpg.Pool) -> None:
        self._primary, self._replicas = primary, replicas

    async def write(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        """Run a statement that changes something; gives the row that it returns."""
        async with self._primary.acquire(timeout=SECONDS) as connection:
            return await connection.fetchrow(statement, *arguments, timeout=SECONDS)

    async def read(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a query."""
        async with self._replicas.acquire(timeout=SECONDS) as connection:
            return await connection.fetch(query, *arguments, timeout=SECONDS)
