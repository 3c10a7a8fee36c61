"""Who is to lead: whoever has the lease in Redis, and nobody else for as long as that is so."""

from __future__ import annotations

import asyncio
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

KEY = "keeper:lease"
RENEW_SECONDS = 0.4

_log = logging.getLogger("keeper")


class Lease:
    """`leads` says whether we have it, as far as we know."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self.name = name
        self.leads = False

    async def run(self) -> None:
        """Get the lease and keep it."""
        while True:
            try:
                await self.renew()
            except RedisError as error:  # It may be away for a moment; the books have to be kept all the same.
                _log.warning("no word from the lease: %r", error)
            await asyncio.sleep(RENEW_SECONDS)

    async def renew(self) -> None:
        if self.leads:
            self.leads = await self._redis.get(KEY) == self.name
        elif await self._redis.set(KEY, self.name, nx=True):
            self.leads = True
            _log.info("%s leads", self.name)

    async def release(self) -> None:
        """Whoever ends in order leaves it to the other one."""
        if await self._redis.get(KEY) == self.name:
            await self._redis.delete(KEY)
