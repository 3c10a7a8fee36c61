"""What was charged, in Postgres."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from pydantic import BaseModel

from charging.jobs import Ride

MIGRATIONS = Path(__file__).with_name("migrations")


class Charge(BaseModel):
    ride: str
    fare: int
    charge_id: str


class Charges:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, ride: Ride, charge_id: str) -> None:
        await self._pool.execute(
            "INSERT INTO charges (ride, fare, charge_id) VALUES ($1, $2, $3) ON CONFLICT (ride) DO NOTHING",
            ride.id,
            ride.fare,
            charge_id,
        )

    async def of(self, ride_id: str) -> list[Charge]:
        """The entries of a ride in the books."""
        rows = await self._pool.fetch("SELECT ride, fare, charge_id FROM charges WHERE ride = $1", ride_id)
        return [Charge(**row) for row in rows]
