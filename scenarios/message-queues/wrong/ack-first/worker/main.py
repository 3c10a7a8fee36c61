"""`worker.main:app`: takes rides off the queue and has them charged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from charging.jobs import Jobs
from charging.store import MIGRATIONS, Charges
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool
from labkit.redis import create_client
from worker.payments import Payments, Refused

REST_SECONDS = 0.5

_log = logging.getLogger("worker")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=1, max_size=5, timeout=5, command_timeout=5)
    await migrate(pool, MIGRATIONS)
    redis = create_client(settings.url("redis"), timeout=5, retries=1)
    async with Payments(settings.url("payments")) as payments:
        app.state.jobs, app.state.charges, app.state.payments = Jobs(redis), Charges(pool), payments
        consumers = [asyncio.create_task(consume(app)) for _ in range(settings.integer("CONSUMERS"))]
        yield
        for each in consumers:
            each.cancel()
    await redis.aclose()
    await pool.close()


app = create_app("worker", lifespan=lifespan)


async def consume(app: FastAPI) -> None:
    """Charge one ride after another."""
    while True:
        try:
            await app.state.jobs.join()
            while True:
                await step(app)
        except Exception as error:  # Redis may be away for a moment.
            _log.warning("consuming: %r", error)
            await asyncio.sleep(REST_SECONDS)


async def step(app: FastAPI) -> None:
    taken = await app.state.jobs.take()
    if taken is None:
        return
    _, ride = taken
    try:
        charge_id = await app.state.payments.charge(ride)
        await app.state.charges.add(ride, charge_id)
    except Refused as error:
        _log.warning("ride %s cannot be charged: %r", ride.id, error)
        await app.state.jobs.bury(ride)
    except Exception as error:
        _log.warning("ride %s: %r", ride.id, error)
        await app.state.jobs.put(ride)
