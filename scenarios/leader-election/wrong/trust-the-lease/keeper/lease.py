"""Who leads: whoever has the lease in Redis, until it runs out by our own clock as well."""

from __future__ import annotations

import asyncio
import logging
import time

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
        self.term = 0
        self._until = 0.0

    @property
    def leads(self) -> bool:
        return time.monotonic() < self._until

    async def run(self) -> None:
        """Get the lease and keep it."""
        while True:
            try:
                await self.renew()
            except RedisError as error:  # It may be away; when the lease has run out meanwhile, we do not lead.
                _log.warning("no word from the lease: %r", error)
            await asyncio.sleep(RENEW_SECONDS)

    async def renew(self) -> None:
        until = time.monotonic() + LEASE_MILLISECONDS / 1000
        if self.leads:
            held = await self._redis.get(KEY) == self.name and await self._redis.pexpire(KEY, LEASE_MILLISECONDS)
            self._until = until if held else 0.0
        elif await self._redis.set(KEY, self.name, nx=True, px=LEASE_MILLISECONDS):
            self.term = await self._redis.incr(TERMS)
            self._until = until
            _log.info("%s leads, in term %d", self.name, self.term)
