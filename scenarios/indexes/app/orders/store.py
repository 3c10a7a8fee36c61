"""Orders in Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import asyncpg
from pydantic import BaseModel, Field

Status = Literal["open", "shipped", "delivered", "returned"]
Sort = Literal["newest", "oldest"]

PAGE_SIZE = 20
COLUMNS = "id, customer_id, warehouse, status, country, items, total_cents, created_at"

ADD = f"""
    INSERT INTO orders (customer_id, warehouse, status, country, email, phone, street, postcode, city, items,
                        weight_grams, total_cents)
    VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11)
    RETURNING {COLUMNS}
"""
HAND_OVER = """
    UPDATE orders SET status = 'shipped', carrier = $2, tracking = $4 || '-' || id, updated_at = now()
    WHERE id IN (
        SELECT id FROM orders
        WHERE status = 'open' AND warehouse = $1
        ORDER BY created_at
        LIMIT $3
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""


class NewOrder(BaseModel):
    """Its fields are ADD's parameters, in the same order."""

    customer_id: int
    warehouse: int
    country: str = Field(min_length=2, max_length=2)
    email: str = Field(max_length=200)
    phone: str = Field(max_length=40)
    street: str = Field(max_length=200)
    postcode: str = Field(max_length=20)
    city: str = Field(max_length=100)
    items: int = Field(ge=1, le=50)
    weight_grams: int = Field(ge=1)
    total_cents: int = Field(ge=1)


class Handover(BaseModel):
    warehouse: int
    carrier: str = Field(max_length=40)
    van: str = Field(max_length=40)
    places: int = Field(ge=1, le=200)


class Order(BaseModel):
    id: int
    customer_id: int
    warehouse: int
    status: Status
    country: str
    items: int
    total_cents: int
    created_at: datetime


class Orders:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def search(self, wanted: Mapping[str, Any], sort: Sort) -> list[Order]:
        """The first PAGE_SIZE orders whose columns have the values that are `wanted`."""
        where = " AND ".join(f"{column} = ${number}" for number, column in enumerate(wanted, 1)) or "true"
        order = "created_at DESC" if sort == "newest" else "created_at"
        rows = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM orders WHERE {where} ORDER BY {order} LIMIT {PAGE_SIZE}", *wanted.values()
        )
        return [Order(**row) for row in rows]

    async def get(self, order_id: int) -> Order | None:
        row = await self._pool.fetchrow(f"SELECT {COLUMNS} FROM orders WHERE id = $1", order_id)
        return Order(**row) if row else None

    async def add(self, order: NewOrder) -> Order:
        row = await self._pool.fetchrow(ADD, *order.model_dump().values())
        return Order(**row)

    async def hand_over(self, handover: Handover) -> int:
        """Ship the oldest open orders of a warehouse, as many as the van has places; how many they were."""
        rows = await self._pool.fetch(HAND_OVER, handover.warehouse, handover.carrier, handover.places, handover.van)
        return len(rows)
