"""Who leads: whoever has the lease in Redis. It runs out when its holder is not heard of, and the next one takes it."""

from __future__ import annotations

import asyncio
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

KEY, TERMS = "keeper:lease", "keeper:terms"
LEASE_MILLISECONDS = 1500
RENEW_SECONDS = 0.4

_log = logging.getLogger("keeper")


class Lease:
    """`leads` says whether we have it, `term` for the how manieth time somebody does."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self.name = name
        self.leads = False
        self.term = 0

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
            held = await self._redis.get(KEY) == self.name
            self.leads = held and bool(await self._redis.pexpire(KEY, LEASE_MILLISECONDS))
        elif await self._redis.set(KEY, self.name, nx=True, px=LEASE_MILLISECONDS):
            self.term = await self._redis.incr(TERMS)
            self.leads = True
            _log.info("%s leads, in term %d", self.name, self.term)
