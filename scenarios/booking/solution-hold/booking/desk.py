"""The box office's desk: what is free, what is sold, and to whom. In Postgres."""

from __future__ import annotations

import asyncpg
from pydantic import BaseModel, Field

MAP_SEATS = 40
"""Seats that a map shows: the best ones that are free."""
HOLD_SECONDS = 8
"""Longer than an order takes, also when the provider is slow."""
CLAIM = """
INSERT INTO bookings (id, show, seats, amount)
SELECT $1, id, $3, price * cardinality($3::int[]) FROM shows WHERE id = $2
ON CONFLICT (id) DO NOTHING RETURNING *
"""
HOLD = """
INSERT INTO tickets (show, seat, booking, held_until)
SELECT $1, seat, $3, now() + $4 * interval '1 second' FROM unnest($2::int[]) AS seat ORDER BY seat
ON CONFLICT (show, seat) DO UPDATE SET booking = excluded.booking, held_until = excluded.held_until
WHERE tickets.held_until < now()
RETURNING seat
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
            AND NOT EXISTS (
                SELECT FROM tickets t WHERE t.show = s.show AND t.seat = s.seat
                AND (t.held_until IS NULL OR t.held_until > now())
            )
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

    async def hold(self, order: Order) -> Booking:
        """Hold the seats of an order for a while, or give what it got before. Raises Taken."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(CLAIM, order.id, order.show, order.seats)
            if row is None:
                row = await connection.fetchrow("SELECT * FROM bookings WHERE id = $1", order.id)
                if row["lapsed"]:
                    raise Taken("the seats were held for this order, and not paid in time")
                return Booking(**row)
            held = await connection.fetch(HOLD, order.show, order.seats, order.id, HOLD_SECONDS)
            if len(held) < len(order.seats):
                raise Taken("somebody else has one of these seats")
        return Booking(**row)

    async def confirm(self, booking: Booking, charge_id: str) -> Booking:
        """It is paid: what was held is sold. Raises Taken when it was held no longer, and somebody else came."""
        async with self._pool.acquire() as connection, connection.transaction():
            sold = await connection.fetch(
                "UPDATE tickets SET held_until = NULL WHERE booking = $1 RETURNING seat", booking.id
            )
            if len(sold) < len(booking.seats):
                raise Taken("it was paid too late, and somebody else has one of the seats")
            row = await connection.fetchrow(
                "UPDATE bookings SET charge_id = $2 WHERE id = $1 RETURNING *", booking.id, charge_id
            )
        return Booking(**row)

    async def lapse(self, booking_id: str) -> None:
        """It will not be paid any more: whatever it still holds is free."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM tickets WHERE booking = $1 AND held_until IS NOT NULL", booking_id)
            await connection.execute(
                "UPDATE bookings SET lapsed = true WHERE id = $1 AND charge_id IS NULL", booking_id
            )

    async def doubtful(self) -> list[Booking]:
        """Bookings that held their seats for their time, and of which nobody knows whether they are paid."""
        rows = await self._pool.fetch(
            """
            SELECT * FROM bookings WHERE charge_id IS NULL AND NOT lapsed
            AND created_at < now() - $1 * interval '1 second'
            """,
            HOLD_SECONDS,
        )
        return [Booking(**row) for row in rows]

    async def door(self, show: int) -> list[Ticket]:
        """Who is let in, by seat."""
        rows = await self._pool.fetch(
            "SELECT seat, booking FROM tickets WHERE show = $1 AND held_until IS NULL ORDER BY seat", show
        )
        return [Ticket(**row) for row in rows]
