"""`products.main:app`: the shop's product pages, and the lists that lead to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import FastAPI, HTTPException

from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool

MIGRATIONS = Path(__file__).with_name("migrations")
PATIENCE = 3.0
"""Seconds; customers wait no longer."""

PRODUCT = "SELECT id, name, category, description, price_cents FROM products WHERE id = $1"
REVIEWS = "SELECT stars, author, words FROM reviews WHERE product_id = $1 ORDER BY written_at DESC LIMIT 5"
STARS = "SELECT count(*) AS reviews, round(avg(stars), 1)::float AS stars FROM reviews WHERE product_id = $1"
BY_STARS = "SELECT stars, count(*) AS reviews FROM reviews WHERE product_id = $1 GROUP BY stars ORDER BY stars DESC"
NEWEST = "SELECT id, name, price_cents FROM products WHERE category = $1 ORDER BY id DESC LIMIT 20"


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), name="migrations", min_size=1, max_size=1)
    await migrate(pool, MIGRATIONS)
    await pool.close()
    yield


app = create_app("products", lifespan=lifespan)


@asynccontextmanager
async def connected() -> AsyncIterator[asyncpg.Connection]:
    """A connection for one request."""
    connection = await asyncpg.connect(settings.url("postgres"), timeout=PATIENCE, command_timeout=PATIENCE)
    try:
        yield connection
    finally:
        await connection.close()


@app.get("/products/{product_id}")
async def product(product_id: int) -> dict[str, Any]:
    async with connected() as connection:
        found = await connection.fetchrow(PRODUCT, product_id)
        if found is None:
            raise HTTPException(404, f"no product {product_id}")
        stars = await connection.fetchrow(STARS, product_id)
        by_stars = await connection.fetch(BY_STARS, product_id)
        reviews = await connection.fetch(REVIEWS, product_id)
    return {
        **found,
        **stars,
        "by_stars": [dict(each) for each in by_stars],
        "newest_reviews": [dict(each) for each in reviews],
    }


@app.get("/products")
async def newest(category: str) -> list[dict[str, Any]]:
    async with connected() as connection:
        return [dict(each) for each in await connection.fetch(NEWEST, category)]
