"""`orders.main:app`: the back office. Its people look for orders, take new ones, and hand them over to carriers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, HTTPException

from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool
from orders.store import Handover, NewOrder, Order, Orders, Sort, Status

MIGRATIONS = Path(__file__).with_name("migrations")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=4, max_size=10, timeout=5)
    await migrate(pool, MIGRATIONS)
    app.state.orders = Orders(pool)
    yield
    await pool.close()


app = create_app("orders", lifespan=lifespan)


@app.get("/orders")
async def search(
    customer: int | None = None,
    status: Status | None = None,
    warehouse: int | None = None,
    country: str | None = None,
    sort: Sort = "newest",
) -> list[Order]:
    """The first 20 of the orders that have all that is asked for."""
    wanted = {"customer_id": customer, "status": status, "warehouse": warehouse, "country": country}
    return await app.state.orders.search({name: value for name, value in wanted.items() if value is not None}, sort)


@app.get("/orders/{order_id}")
async def read(order_id: int) -> Order:
    order = await app.state.orders.get(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    return order


@app.post("/orders", status_code=201)
async def create(order: NewOrder) -> Order:
    return await app.state.orders.add(order)


@app.post("/handovers", status_code=201)
async def hand_over(handover: Handover) -> dict[str, int]:
    """A carrier's van is full: the oldest open orders of a warehouse are on their way."""
    return {"shipped": await app.state.orders.hand_over(handover)}
