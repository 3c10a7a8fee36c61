"""`rides.main:app`: drivers report a ride at its end and look later what was charged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException

from charging.jobs import Full, Jobs, Ride
from charging.store import MIGRATIONS, Charge, Charges
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=2, max_size=10, timeout=5, command_timeout=5)
    await migrate(pool, MIGRATIONS)
    app.state.charges = Charges(pool)
    app.state.jobs = await Jobs.open(settings.url("rabbitmq"))
    yield
    await app.state.jobs.close()
    await pool.close()


app = create_app("rides", lifespan=lifespan)


@app.post("/rides", status_code=202)
async def end(ride: Ride) -> Ride:
    """Take a ride; its fare is charged soon after."""
    try:
        await app.state.jobs.put(ride)
    except Full as full:
        raise HTTPException(503, str(full), headers={"Retry-After": "2"}) from full
    return ride


@app.get("/rides/{ride_id}/charges")
async def charges(ride_id: str) -> list[Charge]:
    return await app.state.charges.of(ride_id)
