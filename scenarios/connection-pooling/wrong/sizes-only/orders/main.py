"""`orders.main:app`: takes orders, and takes what was ordered out of the stock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException

from labkit import create_app, settings
from labkit.postgres import create_pool
from orders.store import Cart, Order, Orders, OutOfStock

IDLE_SECONDS = 5.0


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(
        settings.url("postgres"), min_size=5, max_size=10, max_inactive_connection_lifetime=IDLE_SECONDS
    )
    app.state.orders = Orders(pool)
    yield
    await pool.close()


app = create_app("orders", lifespan=lifespan)


@app.post("/orders", status_code=201)
async def create(cart: Cart) -> Order:
    try:
        return await app.state.orders.place(cart)
    except OutOfStock as error:
        raise HTTPException(409, str(error)) from error


@app.get("/orders/{order_id}")
async def read(order_id: str) -> Order:
    order = await app.state.orders.get(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    return order
