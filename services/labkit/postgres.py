"""An asyncpg pool that shows how it is used. Sizes and time-outs are the caller's, as asyncpg names them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
from prometheus_client import Gauge

SIZE = Gauge("app_pool_connections", "Connections open", ["pool"])
IN_USE = Gauge("app_pool_in_use", "Connections lent out", ["pool"])
MAX = Gauge("app_pool_max", "Most connections that the pool opens", ["pool"])
WAITING = Gauge("app_pool_waiting", "Callers that wait for a connection", ["pool"])

START_RETRY_SECONDS = 0.2


async def create_pool(url: str, *, name: str = "postgres", wait: float = 30.0, **options: Any) -> asyncpg.Pool:
    """Open a pool on `url`, with gauges labelled `name`; close it with `await pool.close()`.

    A service starts together with its database, and one that gave up would be restarted later and later: `wait` is how
    many seconds `min_size` connections are tried for, after which what asyncpg raises is raised. `options` go to
    asyncpg.create_pool as they are (min_size, max_size, timeout, command_timeout, …); what is left out is asyncpg's
    default.
    """
    until = time.monotonic() + wait
    while True:
        try:
            pool = await asyncpg.create_pool(url, **options)
            break
        except (OSError, asyncpg.PostgresError):
            if time.monotonic() >= until:
                raise
            await asyncio.sleep(START_RETRY_SECONDS)
    MAX.labels(name).set(pool.get_max_size())
    SIZE.labels(name).set_function(pool.get_size)
    IN_USE.labels(name).set_function(lambda: pool.get_size() - pool.get_idle_size())
    # asyncpg tells nobody who waits; its queue of free connections is an asyncio.Queue, which knows.
    WAITING.labels(name).set_function(lambda: len(pool._queue._getters))
    return pool
