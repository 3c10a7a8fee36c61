"""Seats that somebody is buying just now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from booking.desk import Order

LOCK_SECONDS = 1
"""More than twice what a payment takes: who dies must not keep a seat from being sold for ever."""


class Busy(Exception):
    """Somebody is buying one of the seats."""


class Locks:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @asynccontextmanager
    async def of(self, order: Order) -> AsyncIterator[None]:
        """Have the seats of an order for oneself. Raises Busy."""
        held: list[str] = []
        try:
            for seat in sorted(order.seats):
                name = f"lock:{order.show}/{seat}"
                if not await self._redis.set(name, order.id, nx=True, ex=LOCK_SECONDS):
                    raise Busy("somebody is buying one of these seats")
                held.append(name)
            yield
        finally:
            if held:
                await self._redis.delete(*held)
