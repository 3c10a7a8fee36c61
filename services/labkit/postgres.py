"""An asyncpg pool that shows how it is used. Sizes and time-outs are the caller's, as asyncpg names them."""

from __future__ import annotations

from typing import Any

import asyncpg
from prometheus_client import Gauge

SIZE = Gauge("app_pool_connections", "Connections open", ["pool"])
IN_USE = Gauge("app_pool_in_use", "Connections lent out", ["pool"])
MAX = Gauge("app_pool_max", "Most connections that the pool opens", ["pool"])
WAITING = Gauge("app_pool_waiting", "Callers that wait for a connection", ["pool"])


async def create_pool(url: str, *, name: str = "postgres", **options: Any) -> asyncpg.Pool:
    """Open a pool on `url`, with gauges labelled `name`; close it with `await pool.close()`.

    `options` go to asyncpg.create_pool as they are (min_size, max_size, timeout, command_timeout, …); what is left
    out is asyncpg's default. Raises what asyncpg raises when `min_size` connections can't be made.
    """
    pool = await asyncpg.create_pool(url, **options)
    MAX.labels(name).set(pool.get_max_size())
    SIZE.labels(name).set_function(pool.get_size)
    IN_USE.labels(name).set_function(lambda: pool.get_size() - pool.get_idle_size())
    # asyncpg tells nobody who waits; its queue of free connections is an asyncio.Queue, which knows.
    WAITING.labels(name).set_function(lambda: len(pool._queue._getters))
    return pool
