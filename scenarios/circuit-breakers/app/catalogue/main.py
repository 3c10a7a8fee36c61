"""`catalogue.main:app`: products, read from the replica and kept in Redis for a while."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Query, Response

from labkit import create_app, settings
from labkit.postgres import create_pool
from labkit.redis import create_client

CACHE_SECONDS = settings.integer("CACHE_SECONDS", 30)
PAGE_SIZE = 24

LIST = """
    SELECT id, name, category, price_cents
    FROM products
    ORDER BY id
    LIMIT $1 OFFSET $2
"""
PRODUCT = """
    SELECT p.id, p.name, p.category, p.description, p.price_cents, s.available > 0 AS in_stock
    FROM products p
    JOIN stock s ON s.product_id = p.id
    WHERE p.id = $1
"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.cache = create_client(settings.url("redis"), timeout=0.2, retries=1, decode=False)
    app.state.pool = await create_pool(
        settings.url("postgres-replica"), min_size=2, max_size=8, timeout=5, command_timeout=2
    )
    yield
    await app.state.pool.close()
    await app.state.cache.aclose()


app = create_app("catalogue", lifespan=lifespan)


@app.get("/products")
async def products(page: int = Query(1, ge=1, le=1000)) -> Response:
    async def read() -> Any:
        rows = await app.state.pool.fetch(LIST, PAGE_SIZE, (page - 1) * PAGE_SIZE)
        return {"page": page, "products": [dict(row) for row in rows]}

    return await cached(f"products:{page}", read)


@app.get("/products/{product_id}")
async def product(product_id: int) -> Response:
    async def read() -> Any:
        row = await app.state.pool.fetchrow(PRODUCT, product_id)
        if row is None:
            raise HTTPException(404, f"no product {product_id}")
        return dict(row)

    return await cached(f"product:{product_id}", read)


async def cached(key: str, read: Callable[[], Awaitable[Any]]) -> Response:
    """The answer under `key`, made by `read` when it is not there yet."""
    content = await app.state.cache.get(key)
    if content is None:
        content = json.dumps(await read()).encode()
        await app.state.cache.set(key, content, ex=CACHE_SECONDS)
    return Response(content, media_type="application/json")
