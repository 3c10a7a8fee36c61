"""A traffic fault's gate at the load generator. It closes by itself when nobody keeps it open."""

from __future__ import annotations

import asyncio
import logging

from faultline.api.traffic import Gate
from faultline.clients.http import Refused
from faultline.clients.loadgen_api import LoadGenerator
from faultline.errors import Unreachable
from faultline.injector.clock import Clock
from faultline.injector.config import Config
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record
from faultline.injector.targets.base import HOLD_SECONDS, KeptTarget

log = logging.getLogger(__name__)

CALL_SECONDS = 0.9


class TrafficTarget(KeptTarget):
    """One fault's gate."""

    def __init__(
        self, planned: PlannedFault, record: Record, clock: Clock, ended: asyncio.Event, config: Config
    ) -> None:
        super().__init__(planned, record, clock, ended)
        self._run = record.run
        self._client = LoadGenerator(f"http://{config.loadgen}", config.token)
        self._entered = False

    async def open(self) -> None:
        """Open it and keep it open until `shut`. Raises Unreachable (FL620, FL621)."""
        await self._move()
        self._keep(self._move_again)

    async def shut(self) -> None:
        """Close it, by waiting for it to close by itself where the load generator does not answer."""
        self._let_go()
        try:
            await (await self._loadgen()).move_gate(self._run, self.fault, 0.0, seconds=CALL_SECONDS)
        except Refused as refused:
            if refused.status != 404:
                raise
        except Unreachable:
            if self._clock.now() < self._until:
                raise

    async def gate(self) -> tuple[Gate, float] | None:
        """How it stands; a run that is gone has no traffic."""
        try:
            return await (await self._loadgen()).gate(self._run, self.fault, seconds=CALL_SECONDS), self._clock.now()
        except Refused as refused:
            if refused.status == 404:
                return Gate(until=0, closed=0, armed=0, due=0, sent=0, last=0), self._clock.now()
            raise
        except Unreachable as error:
            log.warning("fault %s: %s", self.fault, error.message)
            return None

    async def close(self) -> None:
        """Give back the connection."""
        await super().close()
        if self._entered:
            await self._client.__aexit__(None, None, None)

    async def _loadgen(self) -> LoadGenerator:
        if not self._entered:
            self._entered = True
            await self._client.__aenter__()
        return self._client

    async def _move(self) -> None:
        until = self._clock.now() + HOLD_SECONDS
        await (await self._loadgen()).move_gate(self._run, self.fault, until, seconds=CALL_SECONDS)
        self._until = until

    async def _move_again(self) -> None:
        try:
            await self._move()
        except Unreachable as error:
            # The next one may come in time; if none does, requests are missing from what was due.
            log.warning("fault %s: %s", self.fault, error.message)
