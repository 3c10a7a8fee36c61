"""`shop.main:app`: the product pages, and the way in for the buyers' price tool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request, Response

from labkit import create_app, settings
from labkit.forward import Forward
from labkit.postgres import create_pool
from labkit.redis import create_client
from shop.cache import Cache
from shop.products import Products

CACHE_SECONDS = 60


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=10, max_size=10, timeout=5, command_timeout=5)
    redis = create_client(settings.url("redis"), timeout=0.15, retries=0, decode=False)
    app.state.products = Products(pool, Cache(redis, CACHE_SECONDS))
    async with Forward(settings.url("prices"), timeout=2) as prices:
        app.state.prices = prices
        yield
    await redis.aclose()
    await pool.close()


app = create_app("shop", lifespan=lifespan)


@app.get("/products/{product_id}")
async def product(product_id: int) -> Response:
    page = await app.state.products.page(product_id)
    if page is None:
        raise HTTPException(404, f"no product {product_id}")
    return Response(page, media_type="application/json")


@app.put("/products/{product_id}/price")
async def reprice(product_id: int, request: Request) -> Response:
    return await app.state.prices.send("PUT", f"/prices/{product_id}", await request.body())
