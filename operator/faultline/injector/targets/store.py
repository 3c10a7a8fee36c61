"""What targets in data stores have in common: something that is kept going until the fault ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from faultline.faults.base import On, StoreError
from faultline.injector.clock import Clock
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record
from faultline.injector.targets.base import Ended, FeltTarget

log = logging.getLogger(__name__)

GRACE_SECONDS = 2.0
"""How long after a fault's planned end the store itself ends it, where nobody else did."""
AGAIN_SECONDS = 0.1
"""Between two tries to put a fault on again that was lost."""


class StoreTarget(FeltTarget):
    """See faultline.faults.base.StoreTarget."""

    def __init__(self, planned: PlannedFault, record: Record, clock: Clock, ended: asyncio.Event) -> None:
        super().__init__(planned, record, clock, ended)
        self.until = planned.end + GRACE_SECONDS
        self.memory: dict[str, Any] = {}
        self._end = planned.end
        self._keeper: asyncio.Task[None] | None = None
        self._lost_since: float | None = None

    def now(self) -> float:
        """Unix seconds."""
        return self._clock.now()

    async def due(self) -> None:
        """Wait for the moment. Raises Ended when the plan ends before, but not in what `keep` runs: that is let go."""
        if asyncio.current_task() is self._keeper:
            await asyncio.sleep(max(0.0, self.moment - self.now()))
        else:
            await super().due()

    async def keep(self, hold: Callable[[On], Awaitable[None]]) -> None:
        """Keep `hold` going; returns when it is on."""
        if self._keeper is not None:
            return
        on = asyncio.Event()
        keeper = self._keeper = asyncio.create_task(self._keep(hold, on), name=f"hold {self.fault}")
        waiting = [asyncio.create_task(on.wait()), asyncio.create_task(self._ended.wait())]
        try:
            left = max(0.0, self._end - self.now())
            await asyncio.wait({keeper, *waiting}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        if keeper.done():
            await keeper
        if self._ended.is_set():
            raise Ended
        if not on.is_set():
            raise StoreError("what it asked for did not come about before its end")

    async def _keep(self, hold: Callable[[On], Awaitable[None]], on: asyncio.Event) -> None:
        def note() -> None:
            if not on.is_set():
                self.done = self.now()
                on.set()
            self._note_gap()

        while True:
            problem = "its connection is gone"
            try:
                await hold(note)
            except StoreError as error:
                if not on.is_set():
                    raise
                problem = error.message
            if self._lost_since is None:
                self._lost_since = self.now()
                log.warning("fault %s was lost: %s", self.fault, problem)
            await asyncio.sleep(AGAIN_SECONDS)

    def _note_gap(self) -> None:
        if self._lost_since is None:
            return
        lost, self._lost_since = self.now() - self._lost_since, None
        self._record.note(self.fault, gap=self._record.statuses[self.fault].gap + lost)

    async def let_go(self) -> None:
        """End what `keep` keeps going."""
        keeper, self._keeper = self._keeper, None
        self._note_gap()
        if keeper is not None:
            keeper.cancel()
            [problem] = await asyncio.gather(keeper, return_exceptions=True)
            if isinstance(problem, StoreError):
                log.warning("fault %s: %s", self.fault, problem.message)
            elif problem is not None and not isinstance(problem, asyncio.CancelledError):
                raise problem

    async def close(self) -> None:
        """End what is left."""
        await self.let_go()
