"""`worker.main:app`: takes rides off the queue and has them charged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from aio_pika.abc import AbstractIncomingMessage
from fastapi import FastAPI
from pydantic import ValidationError

from charging.jobs import Jobs, Ride
from charging.store import MIGRATIONS, Charges
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool
from worker.payments import Payments, Refused

REST_SECONDS = 0.5

_log = logging.getLogger("worker")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=1, max_size=5, timeout=5, command_timeout=5)
    await migrate(pool, MIGRATIONS)
    jobs = await Jobs.open(settings.url("rabbitmq"))
    async with Payments(settings.url("payments")) as payments:
        app.state.jobs, app.state.charges, app.state.payments = jobs, Charges(pool), payments
        for _ in range(settings.integer("CONSUMERS")):
            await jobs.consume(partial(step, app))
        yield
        await jobs.close()
    await pool.close()


app = create_app("worker", lifespan=lifespan)


async def step(app: FastAPI, message: AbstractIncomingMessage) -> None:
    try:
        ride = Ride.model_validate_json(message.body)
        charge_id = await app.state.payments.charge(ride)
        await app.state.charges.add(ride, charge_id)
        await message.ack()
    except (Refused, ValidationError) as error:
        _log.warning("%s cannot be charged: %r", message.body.decode(errors="replace"), error)
        await message.reject()
    except Exception as error:
        _log.warning("%s: %r", message.body.decode(errors="replace"), error)
        await asyncio.sleep(REST_SECONDS)
        await message.nack()  # It is the first in the queue again, for any consumer.
