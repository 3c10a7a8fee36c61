"""`worker.main:app`: takes rides off the queue and has them charged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from charging.jobs import Jobs
from charging.store import MIGRATIONS
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool
from worker.payments import Payments, Refused

POLL_SECONDS = 0.1
REST_SECONDS = 0.5

_log = logging.getLogger("worker")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=1, max_size=5, timeout=5, command_timeout=5)
    await migrate(pool, MIGRATIONS)
    async with Payments(settings.url("payments")) as payments:
        app.state.jobs, app.state.payments = Jobs(pool), payments
        consumers = [asyncio.create_task(consume(app)) for _ in range(settings.integer("CONSUMERS"))]
        yield
        for each in consumers:
            each.cancel()
    await pool.close()


app = create_app("worker", lifespan=lifespan)


async def consume(app: FastAPI) -> None:
    """Charge one ride after another."""
    while True:
        try:
            if not await step(app):
                await asyncio.sleep(POLL_SECONDS)
        except Exception as error:  # The ride that it was at is anybody's again.
            _log.warning("consuming: %r", error)
            await asyncio.sleep(REST_SECONDS)


async def step(app: FastAPI) -> bool:
    """Whether there was a ride."""
    async with app.state.jobs.take() as job:
        if job is None:
            return False
        try:
            await job.done(await app.state.payments.charge(job.ride))
        except Refused as error:
            _log.warning("ride %s cannot be charged: %r", job.ride.id, error)
            await job.bury()
        return True
