"""`checkout.main:app`: takes orders and has them paid."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Response

from checkout.orders import Cart, Order, Orders, OutOfStock
from checkout.payments import PaymentError, Payments
from labkit import create_app, settings
from labkit.postgres import create_pool

SETTLE_AFTER_SECONDS = 2.0
SETTLE_EVERY_SECONDS = 0.5

_log = logging.getLogger("checkout")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=2, max_size=10, timeout=5, command_timeout=5)
    app.state.orders = Orders(pool)
    async with Payments(settings.url("payments")) as payments:
        app.state.payments = payments
        settling = asyncio.create_task(settle(app))
        yield
        settling.cancel()
    await pool.close()


app = create_app("checkout", lifespan=lifespan)


@app.post("/orders", status_code=201)
async def create(cart: Cart, response: Response) -> Order:
    """Order what is in the cart and pay it; 202 when the payment has to follow. The same cart gives the same order."""
    try:
        order = await app.state.orders.place(cart)
    except OutOfStock as error:
        raise HTTPException(409, str(error)) from error
    if order.status == "paid":
        return order
    try:
        return await pay(order)
    except PaymentError as error:
        _log.info("order %s is to be paid later: %s", order.id, error)
        response.status_code = 202
        return order


async def pay(order: Order) -> Order:
    charge = await app.state.payments.charge(order.id, order.total_cents)
    return await app.state.orders.mark_paid(order.id, charge)


async def settle(app: FastAPI) -> None:
    """Have the orders paid that could not be at once: one after another, so that new ones find the provider free."""
    while True:
        await asyncio.sleep(SETTLE_EVERY_SECONDS)
        try:
            for order in await app.state.orders.unpaid(SETTLE_AFTER_SECONDS, limit=50):
                await pay(order)
        except Exception as error:  # Whatever it was, the next round tries again.
            _log.warning("settling: %r", error)


@app.get("/orders/{order_id}")
async def read(order_id: str) -> Order:
    order = await app.state.orders.get(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    return order
