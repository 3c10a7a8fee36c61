"""Orders in Postgres: an order and the stock that it takes change together, or not at all."""

from __future__ import annotations

import asyncpg
from pydantic import BaseModel, Field

ACQUIRE_SECONDS = 0.3


class Cart(BaseModel):
    """What the customer wants; `id` is the order's id as well."""

    id: str = Field(min_length=8, max_length=64)
    product_id: int
    quantity: int = Field(ge=1, le=20)


class Order(BaseModel):
    id: str
    product_id: int
    quantity: int
    total_cents: int


class OutOfStock(Exception):
    """There is not enough of a product."""


class Orders:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def place(self, cart: Cart) -> Order:
        """Make the order that the cart asks for. Raises OutOfStock."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            left = await connection.fetchval(
                """
                UPDATE stock SET available = available - $2
                WHERE product_id = $1 AND available >= $2
                RETURNING available
                """,
                cart.product_id,
                cart.quantity,
            )
            if left is None:
                raise OutOfStock(f"product {cart.product_id} is out of stock")
            row = await connection.fetchrow(
                """
                INSERT INTO orders (id, product_id, quantity, total_cents)
                SELECT $1, id, $3, $3 * price_cents FROM products WHERE id = $2
                RETURNING id, product_id, quantity, total_cents
                """,
                cart.id,
                cart.product_id,
                cart.quantity,
            )
        return Order(**row)

    async def get(self, order_id: str) -> Order | None:
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            row = await connection.fetchrow(
                "SELECT id, product_id, quantity, total_cents FROM orders WHERE id = $1", order_id
            )
        return Order(**row) if row else None
