"""`orders.main:app`: takes orders, and takes what was ordered out of the stock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException

from admission import Admission
from labkit import create_app, settings
from labkit.postgres import create_pool
from orders.store import Cart, Order, Orders, OutOfStock

IDLE_SECONDS = 5.0
LOCK_TIMEOUT = "500ms"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(
        settings.url("postgres"),
        min_size=4,
        max_size=8,
        max_inactive_connection_lifetime=IDLE_SECONDS,
        server_settings={"lock_timeout": LOCK_TIMEOUT},
    )
    app.state.orders = Orders(pool)
    app.state.admission = Admission(16)
    yield
    await pool.close()


app = create_app("orders", lifespan=lifespan)


@app.post("/orders", status_code=201)
async def create(cart: Cart) -> Order:
    try:
        with app.state.admission.enter():
            return await app.state.orders.place(cart)
    except OutOfStock as error:
        raise HTTPException(409, str(error)) from error
    except asyncpg.LockNotAvailableError as error:
        raise HTTPException(503, "busy, please try again", {"Retry-After": "1"}) from error


@app.get("/orders/{order_id}")
async def read(order_id: str) -> Order:
    with app.state.admission.enter():
        order = await app.state.orders.get(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    return order
