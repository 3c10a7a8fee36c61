"""`storefront.main:app`: makes product pages, and sends orders on to the service that takes them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from labkit import create_app, settings
from labkit.forward import Forward
from labkit.postgres import create_pool

# 35 pages a second, 0.1 s each on a bad day: 3.5 connections are in use on average.
POOL_SIZE = 10
ACQUIRE_SECONDS = 1.0
COMMAND_SECONDS = 1.0
CLOSED_SECONDS = 60
"""Orders that fail are not tried again for as long: they would only add to what has to be worked off."""

PRODUCT = "SELECT id, name, category, description, price_cents FROM products WHERE id = $1"
REVIEWS = "SELECT stars, author, words FROM reviews WHERE product_id = $1 ORDER BY id DESC LIMIT 5"
SIMILAR = """
    SELECT id, name, price_cents
    FROM products
    WHERE category = $1 AND id > $2
    ORDER BY id
    LIMIT 6
"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await create_pool(
        settings.url("postgres"), min_size=4, max_size=POOL_SIZE, command_timeout=COMMAND_SECONDS
    )
    async with Forward(settings.url("orders"), timeout=30) as orders:
        app.state.orders = orders
        app.state.open_again = 0.0
        yield
    await app.state.pool.close()


app = create_app("storefront", lifespan=lifespan)


@app.exception_handler(TimeoutError)
async def busy(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"detail": "busy, please try again"}, 503, {"Retry-After": "1"})


@app.get("/products/{product_id}")
async def product(product_id: int) -> dict[str, Any]:
    async with app.state.pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        found = await connection.fetchrow(PRODUCT, product_id)
        if found is None:
            raise HTTPException(404, f"no product {product_id}")
        reviews = await connection.fetch(REVIEWS, product_id)
        similar = await connection.fetch(SIMILAR, found["category"], product_id)
    return {**found, "reviews": [dict(each) for each in reviews], "similar": [dict(each) for each in similar]}


@app.post("/orders")
async def order(request: Request) -> Response:
    left = app.state.open_again - time.monotonic()
    if left > 0:
        raise HTTPException(503, "no orders for now", {"Retry-After": str(round(left))})
    answer = await app.state.orders.send("POST", "/orders", await request.body())
    if answer.status_code == 503:
        app.state.open_again = time.monotonic() + CLOSED_SECONDS
    return answer


@app.get("/orders/{order_id}")
async def read_order(order_id: str) -> Response:
    return await app.state.orders.send("GET", f"/orders/{order_id}")
