"""`clicks.main:app`: adds up how often links were opened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI

from labkit import create_app, settings
from labkit.postgres import create_pool

ADD_UP = """
WITH taken AS (DELETE FROM clicks RETURNING code),
     sums AS (SELECT code, count(*) AS clicks FROM taken GROUP BY code)
UPDATE links SET clicks = links.clicks + sums.clicks FROM sums WHERE links.code = sums.code
"""
"""One statement: a click is in the one place or in the other, whenever somebody looks and whatever dies."""
EVERY_SECONDS = 1.0

_log = logging.getLogger("clicks")


async def add_up(pool: asyncpg.Pool) -> None:
    while True:
        try:
            await pool.execute(ADD_UP)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            _log.warning("later: %r", error)
        await asyncio.sleep(EVERY_SECONDS)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=1, max_size=2, timeout=5, command_timeout=5)
    adding = asyncio.create_task(add_up(pool))
    yield
    adding.cancel()
    await pool.close()


app = create_app("clicks", lifespan=lifespan)
