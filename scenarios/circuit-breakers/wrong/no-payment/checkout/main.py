"""`checkout.main:app`: takes orders and has them paid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException

from checkout.orders import Cart, Order, Orders, OutOfStock
from labkit import create_app, settings
from labkit.postgres import create_pool


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=2, max_size=10, timeout=5, command_timeout=5)
    app.state.orders = Orders(pool)
    yield
    await pool.close()


app = create_app("checkout", lifespan=lifespan)


@app.post("/orders", status_code=202)
async def create(cart: Cart) -> Order:
    """Take the order for what is in the cart; the customer pays by invoice."""
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
