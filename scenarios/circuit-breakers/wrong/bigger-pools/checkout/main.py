"""`checkout.main:app`: takes orders and has them paid."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException

from checkout.orders import Cart, Order, Orders, OutOfStock
from checkout.payments import PaymentError, Payments
from labkit import create_app, settings
from labkit.postgres import create_pool

PAYMENT_ROUNDS = 3

_log = logging.getLogger("checkout")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=2, max_size=40, timeout=5, command_timeout=5)
    app.state.orders = Orders(pool)
    async with Payments(settings.url("payments")) as payments:
        app.state.payments = payments
        yield
    await pool.close()


app = create_app("checkout", lifespan=lifespan)


@app.post("/orders", status_code=201)
async def create(cart: Cart) -> Order:
    """Order what is in the cart and pay it. The same cart again gives the same order."""
    try:
        order = await app.state.orders.place(cart)
    except OutOfStock as error:
        raise HTTPException(409, str(error)) from error
    if order.status == "paid":
        return order
    for left in reversed(range(PAYMENT_ROUNDS)):
        try:
            charge = await app.state.payments.charge(order.id, order.total_cents)
            return await app.state.orders.mark_paid(order.id, charge)
        except PaymentError as error:
            _log.warning("order %s: %s, %d rounds left", order.id, error, left)
            await asyncio.sleep(0.1)
    raise HTTPException(502, "the payment did not go through")


@app.get("/orders/{order_id}")
async def read(order_id: str) -> Order:
    order = await app.state.orders.get(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    return order
