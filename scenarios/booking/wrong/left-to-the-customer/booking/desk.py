"""The box office's desk: what is free, what is sold, and to whom. In Postgres."""

from __future__ import annotations

import asyncpg
from pydantic import BaseModel, Field

MAP_SEATS = 40
"""Seats that a map shows: the best ones that are free."""
CLAIM = """
INSERT INTO bookings (id, show, seats, amount)
SELECT $1, id, $3, price * cardinality($3::int[]) FROM shows WHERE id = $2
ON CONFLICT (id) DO NOTHING RETURNING *
"""
TAKE = """
INSERT INTO tickets (show, seat, booking) SELECT $1, seat, $3 FROM unnest($2::int[]) AS seat ORDER BY seat
"""


class Order(BaseModel):
    """What a customer wants. The browser makes the id, once for each order."""

    id: str = Field(min_length=8, max_length=64)
    show: int
    seats: list[int] = Field(min_length=1, max_length=8)


class Booking(Order):
    """An order that has its seats; without a `charge_id` it is not known yet whether it is paid."""

    amount: int
    charge_id: str | None


class Taken(Exception):
    """Somebody else has one of the seats."""


class Ticket(BaseModel):
    """One seat, as the people at the door have it on their list."""

    seat: int
    booking: str


class SeatMap(BaseModel):
    """`price` in cents for each seat; `free` has the best ones first."""

    show: int
    price: int
    free: list[int]


class Desk:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def seats(self, show: int) -> SeatMap:
        free = await self._pool.fetch(
            """
            SELECT s.seat FROM seats s WHERE s.show = $1
            AND NOT EXISTS (SELECT FROM tickets t WHERE t.show = s.show AND t.seat = s.seat)
            ORDER BY s.seat LIMIT $2
            """,
            show,
            MAP_SEATS,
        )
        return SeatMap(show=show, price=await self.price(show), free=[row["seat"] for row in free])

    async def price(self, show: int) -> int:
        return await self._pool.fetchval("SELECT price FROM shows WHERE id = $1", show)

    async def booking(self, booking_id: str) -> Booking | None:
        row = await self._pool.fetchrow("SELECT * FROM bookings WHERE id = $1", booking_id)
        return Booking(**row) if row else None

    async def claim(self, order: Order) -> Booking:
        """Take the seats of an order before anybody pays, or give what it got before. Raises Taken."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(CLAIM, order.id, order.show, order.seats)
            if row is None:
                return Booking(**await connection.fetchrow("SELECT * FROM bookings WHERE id = $1", order.id))
            try:
                await connection.execute(TAKE, order.show, order.seats, order.id)
            except asyncpg.UniqueViolationError as error:
                raise Taken("somebody else has one of these seats") from error
        return Booking(**row)

    async def confirm(self, booking_id: str, charge_id: str) -> Booking:
        """It is paid."""
        row = await self._pool.fetchrow(
            "UPDATE bookings SET charge_id = $2 WHERE id = $1 RETURNING *", booking_id, charge_id
        )
        return Booking(**row)

    async def door(self, show: int) -> list[Ticket]:
        """Who is let in, by seat."""
        rows = await self._pool.fetch(
            """
            SELECT t.seat, t.booking FROM tickets t JOIN bookings b ON b.id = t.booking
            WHERE t.show = $1 AND b.charge_id IS NOT NULL ORDER BY t.seat
            """,
            show,
        )
        return [Ticket(**row) for row in rows]
