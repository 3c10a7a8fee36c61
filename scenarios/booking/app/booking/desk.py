"""The box office's desk: what is free, what is sold, and to whom. In Postgres."""

from __future__ import annotations

import asyncpg
from pydantic import BaseModel, Field

MAP_SEATS = 40
"""Seats that a map shows: the best ones that are free."""


class Order(BaseModel):
    """What a customer wants. The browser makes the id, once for each order."""

    id: str = Field(min_length=8, max_length=64)
    show: int
    seats: list[int] = Field(min_length=1, max_length=8)


class Booking(Order):
    amount: int
    charge_id: str


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

    async def taken(self, order: Order) -> bool:
        """Whether somebody has one of the seats."""
        return await self._pool.fetchval(
            "SELECT EXISTS (SELECT FROM tickets WHERE show = $1 AND seat = ANY ($2))", order.show, order.seats
        )

    async def sell(self, order: Order, amount: int, charge_id: str) -> Booking:
        """Write down the booking and its tickets."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "INSERT INTO bookings (id, show, seats, amount, charge_id) VALUES ($1, $2, $3, $4, $5) RETURNING *",
                order.id,
                order.show,
                order.seats,
                amount,
                charge_id,
            )
            await connection.execute(
                "INSERT INTO tickets (show, seat, booking) SELECT $1, seat, $3 FROM unnest($2::int[]) AS seat",
                order.show,
                order.seats,
                order.id,
            )
        return Booking(**row)

    async def door(self, show: int) -> list[Ticket]:
        """Who is let in, by seat."""
        rows = await self._pool.fetch("SELECT seat, booking FROM tickets WHERE show = $1 ORDER BY seat", show)
        return [Ticket(**row) for row in rows]
