"""Product pages, put together from Postgres: the product, how it is rated, and what else its buyers bought."""

from __future__ import annotations

import json

import asyncpg

PRODUCT = """
    SELECT id, name, category, description, price_cents, revision
    FROM products
    WHERE id = $1
"""
RATING = """
    SELECT count(*) AS reviews, round(avg(stars), 1)::float AS stars
    FROM reviews
    WHERE product_id = $1
"""
ALSO_BOUGHT = """
    SELECT other.product_id AS id, p.name, count(*) AS times
    FROM order_lines line
    JOIN order_lines other ON other.order_id = line.order_id AND other.product_id <> line.product_id
    JOIN products p ON p.id = other.product_id
    WHERE line.product_id = $1
    GROUP BY other.product_id, p.name
    ORDER BY times DESC, other.product_id
    LIMIT 4
"""


class Products:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, product_id: int) -> bytes | None:
        """All that the page shows, as JSON; None when there is no such product."""
        async with self._pool.acquire() as connection:
            product = await connection.fetchrow(PRODUCT, product_id)
            if product is None:
                return None
            rating = await connection.fetchrow(RATING, product_id)
            also_bought = await connection.fetch(ALSO_BOUGHT, product_id)
        return json.dumps({**product, **rating, "also_bought": [dict(row) for row in also_bought]}).encode()
