"""Clicks, counted in Redis and added up in Postgres once a second: one statement for all of them."""

from __future__ import annotations

import asyncio
import logging

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from links.spare import Spare

KEY = "clicks"

ADD = """
UPDATE links SET clicks = links.clicks + new.clicks
FROM unnest($1::text[], $2::bigint[]) AS new (code, clicks) WHERE links.code = new.code
"""
EVERY_SECONDS = 1.0

_log = logging.getLogger("links")


class Clicks:
    def __init__(self, primary: asyncpg.Pool, redis: Redis) -> None:
        self._primary = primary
        self._redis = redis
        self._spare = Spare()

    async def count(self, code: str) -> None:
        await self._spare.ask(self._redis.hincrby, KEY, code, 1)

    async def flush(self) -> None:
        """Take what was counted out of Redis and add it up."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            taken, _ = await pipeline.hgetall(KEY).delete(KEY).execute()
        if taken:
            await self._primary.execute(ADD, list(taken), [int(clicks) for clicks in taken.values()])

    async def run(self) -> None:
        """Flush once a second."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.flush()
            except (RedisError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                _log.warning("later: %r", error)
