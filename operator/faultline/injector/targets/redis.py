"""Redis as faults on it act on it."""

from __future__ import annotations

import asyncio

from faultline.faults import FAULTS
from faultline.faults.base import RedisFault
from faultline.injector.clock import Clock
from faultline.injector.config import Config
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record
from faultline.injector.redis import RedisStore
from faultline.injector.targets.store import StoreTarget


async def restore_redis(config: Config) -> None:
    """Puts right what faults of any kind may have left in Redis. Raises StoreError."""
    if config.redis is None:
        return
    redis = RedisStore(config)
    try:
        for fault in FAULTS.values():
            if issubclass(fault, RedisFault):
                await fault.restore(redis)
    finally:
        await redis.close()


class RedisTarget(StoreTarget):
    """See faultline.faults.base.RedisTarget."""

    def __init__(
        self, planned: PlannedFault, record: Record, clock: Clock, ended: asyncio.Event, config: Config
    ) -> None:
        super().__init__(planned, record, clock, ended)
        self._redis = RedisStore(config)
        self.settings = self._redis.settings
        self.call = self._redis.call
        self.calls = self._redis.calls
        self.info = self._redis.info
        self.line = self._redis.line

    async def close(self) -> None:
        """Gives the connections back."""
        await super().close()
        await self._redis.close()
