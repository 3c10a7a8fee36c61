"""What every target has. The runner knows no more of one than `RunTarget`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, ClassVar

from faultline.injector.clock import Clock
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record

LEAD_SECONDS = 0.1
"""How long before its moment a change is handed to an edge's own thread, which then waits exactly. On a busy machine
the event loop may be late by tens of milliseconds; a thread that only has to wake up is not."""

HOLD_SECONDS = 3.0
"""How long what has to be renewed lasts when this injector is gone: as long as a lease."""
KEEP_SECONDS = 0.7
"""Between two renewals."""

TARGET_NAMES_LENGTH = 300
"""Of what a fault hit, in its record."""


class Ended(Exception):
    """The plan ended while a change waited for its moment."""


class RunTarget:
    """`moment` is when the change at hand is due (Unix seconds; past is at once)."""

    lead: ClassVar[float] = LEAD_SECONDS
    """How long before its moment a fault is asked to apply."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.moment = 0.0
        self.done = 0.0
        """When the latest change was made; 0 leaves it to the runner to look at the clock."""

    async def close(self) -> None:
        """Give back connections: neither fault nor proof needs the target any more."""


class FeltTarget(RunTarget):
    """What faults on no edge have in common (faultline.faults.base.Target); a family adds what it acts with."""

    lead: ClassVar[float] = 1.0

    def __init__(self, planned: PlannedFault, record: Record, clock: Clock, ended: asyncio.Event) -> None:
        super().__init__(planned.name)
        self._seed = planned.seed
        self._record = record
        self._clock = clock
        self._ended = ended

    @property
    def owner(self) -> str:
        """This fault among those of all runs, as `RUN/FAULT`: what a change that outlives this pod is marked with."""
        return f"{self._record.run}/{self.fault}"

    @property
    def random(self) -> Random:
        """Made anew from the fault's seed."""
        return Random(self._seed)  # noqa: S311 targets are to be the same with the same seed

    @property
    def state(self) -> dict[str, Any]:
        """What `intend` put on record."""
        return dict(self._record.intents.get(self.fault, {}))

    async def intend(self, **state: Any) -> None:
        """Put what is about to be done on disk."""
        await self._record.intend(self.fault, state)

    def hit(self, names: list[str]) -> None:
        """Note what was chosen."""
        self._record.note(self.fault, target=", ".join(names)[:TARGET_NAMES_LENGTH])

    async def due(self) -> None:
        """Wait for the moment. Raises Ended when the plan ends before."""
        left = self.moment - self._clock.now()
        if left <= 0:
            return
        try:
            async with asyncio.timeout(left):
                await self._ended.wait()
        except TimeoutError:
            return
        raise Ended


class KeptTarget(FeltTarget):
    """What lasts only while it is renewed, and so ends by itself when this injector is gone."""

    def __init__(self, planned: PlannedFault, record: Record, clock: Clock, ended: asyncio.Event) -> None:
        super().__init__(planned, record, clock, ended)
        # An injector before this one may have renewed it just now.
        self._until = clock.now() + HOLD_SECONDS
        self._keeper: asyncio.Task[None] | None = None

    def _keep(self, renew: Callable[[], Awaitable[None]]) -> None:
        """Call `renew` again and again, until `_let_go`."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(_again(renew), name=f"keeps {self.fault}")

    def _let_go(self) -> None:
        if self._keeper:
            self._keeper.cancel()
            self._keeper = None

    async def close(self) -> None:
        """Renew nothing any more."""
        self._let_go()


async def _again(renew: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(KEEP_SECONDS)
        await renew()


class NoTarget(FeltTarget):
    """What a fault that acts on nothing gets."""

    lead: ClassVar[float] = LEAD_SECONDS
