"""`prices.main:app`: the buyers set prices here, all day long."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from labkit import create_app, settings
from labkit.postgres import create_pool
from labkit.redis import create_client

SET_PRICE = """
    UPDATE products SET price_cents = $2, revision = revision + 1
    WHERE id = $1
    RETURNING id, price_cents, revision
"""

_log = logging.getLogger("prices")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await create_pool(settings.url("postgres"), min_size=1, max_size=4, timeout=5, command_timeout=5)
    app.state.redis = create_client(settings.url("redis"), timeout=0.15, retries=0)
    yield
    await app.state.redis.aclose()
    await app.state.pool.close()


app = create_app("prices", lifespan=lifespan)


class Price(BaseModel):
    price_cents: int = Field(ge=1, le=10_000_000)


@app.put("/prices/{product_id}")
async def set_price(product_id: int, price: Price) -> dict[str, int]:
    """Change the price; `revision` counts the changes of a product."""
    row = await app.state.pool.fetchrow(SET_PRICE, product_id, price.price_cents)
    if row is None:
        raise HTTPException(404, f"no product {product_id}")
    try:
        await app.state.redis.delete(f"product:{product_id}")
    except RedisError as error:
        _log.warning("the page of product %d stays in the cache: %r", product_id, error)
    return dict(row)
