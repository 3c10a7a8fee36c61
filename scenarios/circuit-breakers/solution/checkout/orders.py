"""Orders in Postgres. Placing one takes its products out of the stock."""

from __future__ import annotations

from typing import Literal

import asyncpg
from pydantic import BaseModel, Field

COLUMNS = "id, status, total_cents, charge_id"


class Line(BaseModel):
    product_id: int
    quantity: int = Field(ge=1, le=20)


class Cart(BaseModel):
    """What the customer wants; `id` is the order's id as well."""

    id: str = Field(min_length=8, max_length=64)
    email: str = Field(max_length=200)
    lines: list[Line] = Field(min_length=1, max_length=50)


class Order(BaseModel):
    id: str
    status: Literal["new", "paid", "shipped"]
    total_cents: int
    charge_id: str | None = None


class OutOfStock(Exception):
    """There is not enough of a product."""


class Orders:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def place(self, cart: Cart) -> Order:
        """The cart's order, made if it is not there yet. Raises OutOfStock."""
        async with self._pool.acquire() as connection, connection.transaction():
            made = await connection.fetchval(
                "INSERT INTO orders (id, email, total_cents) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING RETURNING id",
                cart.id,
                cart.email,
            )
            if made:
                await self._add_lines(connection, cart)
            return await self._read(connection, cart.id)

    async def _add_lines(self, connection: asyncpg.Connection, cart: Cart) -> None:
        # In the order of the products' ids, so that two carts cannot wait for each other.
        for line in sorted(cart.lines, key=lambda each: each.product_id):
            price = await connection.fetchval(
                """
                UPDATE stock s SET available = available - $2
                FROM products p
                WHERE s.product_id = $1 AND p.id = $1 AND s.available >= $2
                RETURNING p.price_cents
                """,
                line.product_id,
                line.quantity,
            )
            if price is None:
                raise OutOfStock(f"product {line.product_id} is out of stock")
            await connection.execute(
                "INSERT INTO order_lines (order_id, product_id, quantity, price_cents) VALUES ($1, $2, $3, $4)",
                cart.id,
                line.product_id,
                line.quantity,
                price,
            )
        await connection.execute(
            """
            UPDATE orders SET total_cents =
                (SELECT sum(quantity * price_cents) FROM order_lines WHERE order_id = $1)
            WHERE id = $1
            """,
            cart.id,
        )

    async def mark_paid(self, order_id: str, charge_id: str) -> Order:
        row = await self._pool.fetchrow(
            f"UPDATE orders SET status = 'paid', charge_id = $2 WHERE id = $1 RETURNING {COLUMNS}", order_id, charge_id
        )
        return Order(**row)

    async def unpaid(self, seconds: float, limit: int) -> list[Order]:
        """Orders that nobody has paid for `seconds`, the oldest first."""
        overdue = "status = 'new' AND created_at < now() - $1 * interval '1 second'"
        rows = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM orders WHERE {overdue} ORDER BY created_at LIMIT $2", seconds, limit
        )
        return [Order(**row) for row in rows]

    async def get(self, order_id: str) -> Order | None:
        async with self._pool.acquire() as connection:
            return await self._read(connection, order_id)

    async def _read(self, connection: asyncpg.Connection, order_id: str) -> Order | None:
        row = await connection.fetchrow(f"SELECT {COLUMNS} FROM orders WHERE id = $1", order_id)
        return Order(**row) if row else None
