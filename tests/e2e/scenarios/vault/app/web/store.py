"""Texts in Postgres; while it does not answer, in an outbox in Redis, where they are looked for first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from labkit import settings
from labkit.postgres import create_pool
from labkit.redis import create_client

WAIT_SECONDS = 0.2
POOL = 4
INSERT = "INSERT INTO texts VALUES ($1, $2) ON CONFLICT (key) DO NOTHING"
SELECT = "SELECT text FROM texts WHERE key = $1"
OUTBOX = "outbox"

log = logging.getLogger("vault")
state: dict[str, Any] = {}
under_way: set[asyncio.Task[Any]] = set()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    state["pool"] = await create_pool(settings.url("postgres"), min_size=2, max_size=POOL, timeout=2, command_timeout=1)
    state["redis"] = create_client(settings.url("redis"), timeout=WAIT_SECONDS, retries=0)
    yield
    state["pool"].terminate()
    await state["redis"].aclose()


async def soon(query: Coroutine[Any, Any, Any]) -> Any:
    """What Postgres answers. Raises TimeoutError when it does not do so soon; the query goes on by itself."""
    task = asyncio.create_task(query)
    under_way.add(task)
    task.add_done_callback(_over)
    done, _ = await asyncio.wait([task], timeout=WAIT_SECONDS)
    if not done or task.exception():
        raise TimeoutError
    return task.result()


def _over(task: asyncio.Task[Any]) -> None:
    under_way.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.warning("Postgres: %r", error)


async def put(key: str, text: str) -> None:
    try:
        await soon(state["pool"].execute(INSERT, key, text))
    except TimeoutError:
        await state["redis"].hset(OUTBOX, key, text)


async def get(key: str) -> str | None:
    kept: str | None = await state["redis"].hget(OUTBOX, key)
    return kept if kept is not None else await soon(state["pool"].fetchval(SELECT, key))
