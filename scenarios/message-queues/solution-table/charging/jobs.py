"""Rides that wait to be charged: a table, of which each worker locks the row that it is at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from pydantic import BaseModel, Field

MOST = 32


class Ride(BaseModel):
    """A ride that has ended; `fare` in cents, 0 where a voucher paid for it."""

    id: str = Field(min_length=8, max_length=64)
    fare: int = Field(ge=0)


class Full(Exception):
    """More rides wait than can be charged soon."""


class Job:
    """A ride in a worker's hands, and the transaction that holds it there."""

    def __init__(self, connection: asyncpg.Connection, row: asyncpg.Record) -> None:
        self._connection = connection
        self._id = row["id"]
        self.ride = Ride(id=row["ride"], fare=row["fare"])

    async def done(self, charge_id: str) -> None:
        """It is in the books and no longer waits: both or neither."""
        await self._connection.execute(
            "INSERT INTO charges (ride, fare, charge_id) VALUES ($1, $2, $3)", self.ride.id, self.ride.fare, charge_id
        )
        await self._connection.execute("DELETE FROM jobs WHERE id = $1", self._id)

    async def bury(self) -> None:
        """Put aside for a human what nobody can charge."""
        await self._connection.execute("UPDATE jobs SET refused = true WHERE id = $1", self._id)


class Jobs:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def put(self, ride: Ride) -> None:
        """Raises Full."""
        waiting = await self._pool.fetchval("SELECT count(*) FROM jobs WHERE NOT refused")
        if waiting >= MOST:
            raise Full(f"{MOST} rides wait")
        await self._pool.execute("INSERT INTO jobs (ride, fare) VALUES ($1, $2)", ride.id, ride.fare)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Job | None]:
        """The oldest ride that nobody has, until the end of the block; None when there is none.

        Whatever happens to the worker ends its transaction, and then the ride is anybody's again.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "SELECT id, ride, fare FROM jobs WHERE NOT refused ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
            )
            yield Job(connection, row) if row else None
