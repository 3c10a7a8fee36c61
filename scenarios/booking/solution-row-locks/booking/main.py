"""`booking.main:app`: customers look at a hall, choose seats, pay, and have them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException

from booking.desk import Booking, Desk, Order, SeatMap, Taken, Ticket
from booking.payments import PaymentError, Payments
from booking.seatmap import SeatMaps
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool
from labkit.redis import create_client

MIGRATIONS = Path(__file__).with_name("migrations")
SETTLE_SECONDS = 1.0

_log = logging.getLogger("booking")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=2, max_size=10, timeout=5, command_timeout=10)
    await migrate(pool, MIGRATIONS)
    redis = create_client(settings.url("redis"), timeout=1, retries=1)
    async with Payments(settings.url("payments")) as payments:
        app.state.desk, app.state.payments = Desk(pool), payments
        app.state.maps = SeatMaps(redis, app.state.desk)
        settling = asyncio.create_task(settle(app))
        yield
        settling.cancel()
    await redis.aclose()
    await pool.close()


app = create_app("booking", lifespan=lifespan)


@app.get("/shows/{show}/seats")
async def seats(show: int) -> SeatMap:
    """The best free seats of an evening."""
    return await app.state.maps.show(show)


@app.post("/bookings", status_code=201)
async def book(order: Order) -> Booking:
    """Sell the seats of an order. Who sends it again is told the same again."""
    try:
        claimed = await app.state.desk.claim(order)
        return await pay(app, claimed)
    except Taken as error:
        raise HTTPException(409, str(error)) from error
    except PaymentError as error:
        _log.warning("order %s: %s", order.id, error)
        raise HTTPException(503, "not known yet whether it is paid: ask again") from error


async def pay(app: FastAPI, claimed: Booking) -> Booking:
    """Have a booking paid, unless it is. As often as one likes: the provider charges it once. Raises PaymentError."""
    if claimed.charge_id is not None:
        return claimed
    charge_id = await app.state.payments.charge(claimed.id, claimed.amount)
    return await app.state.desk.confirm(claimed.id, charge_id)


async def settle(app: FastAPI) -> None:
    """Bring to an end what was left half done, by whomever."""
    while True:
        await asyncio.sleep(SETTLE_SECONDS)
        try:
            for each in await app.state.desk.doubtful():
                await pay(app, each)
        except Exception as error:  # Postgres or the provider may be away for a moment.
            _log.warning("settling: %r", error)


@app.get("/bookings/{booking_id}")
async def booking(booking_id: str) -> Booking:
    found = await app.state.desk.booking(booking_id)
    if found is None:
        raise HTTPException(404, f"no booking {booking_id}")
    return found


@app.get("/shows/{show}/door")
async def door(show: int) -> list[Ticket]:
    """The list at the door."""
    return await app.state.desk.door(show)


@app.get("/statement")
async def statement() -> list[dict[str, Any]]:
    """What is on customers' cards, by the provider's own account."""
    return await app.state.payments.charges()
