"""`keeper.main:app`: whoever of the two leads books what waits. It knows the end of the journal by heart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from books.store import MIGRATIONS, Books, Fenced, Position
from keeper.lease import Lease
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool
from labkit.redis import create_client

REST_SECONDS = 0.25
MOST = 50

_log = logging.getLogger("keeper")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=1, max_size=3, timeout=5, command_timeout=20)
    await migrate(pool, MIGRATIONS)
    redis = create_client(settings.url("redis"), timeout=1, retries=0)
    app.state.books = Books(pool)
    app.state.lease = Lease(redis, settings.text("HOSTNAME", "keeper"))
    tasks = [asyncio.create_task(app.state.lease.run()), asyncio.create_task(keep(app))]
    yield
    for each in tasks:
        each.cancel()
    await app.state.lease.release()
    await redis.aclose()
    await pool.close()


app = create_app("keeper", lifespan=lifespan)


async def keep(app: FastAPI) -> None:
    """Book what waits, for as long as we lead."""
    position: Position | None = None
    while True:
        try:
            position = await step(app, position)
        except Exception as error:  # Postgres may be away for a moment.
            _log.warning("booking: %r", error)
            position = None
        await asyncio.sleep(REST_SECONDS)


async def step(app: FastAPI, position: Position | None) -> Position | None:
    """Book what waits now; gives where the journal ends then, None for who does not lead."""
    books, lease = app.state.books, app.state.lease
    if not lease.leads:
        return None
    try:
        if position is None:
            position = await books.lead()
        for entry in await books.waiting(MOST):
            position = position.after(entry)
            await books.book(entry, position, lease.name)
    except Fenced as error:
        _log.warning("%s leads no more: %s", lease.name, error)
        lease.leads = False
        return None
    return position
