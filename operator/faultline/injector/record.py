"""What is known of each fault of the plan, written to the journal whenever it changes."""

from __future__ import annotations

import asyncio
from typing import Any

from faultline.api.run import FaultStatus
from faultline.injector.clock import Clock
from faultline.injector.journal import Journal


class Record:
    """The faults' statuses by name, and which of them are on."""

    def __init__(
        self,
        statuses: dict[str, FaultStatus],
        journal: Journal,
        clock: Clock,
        intents: dict[str, dict[str, Any]] | None = None,
        run: str = "",
    ) -> None:
        self.run = run
        self.statuses = statuses
        self.intents = dict(intents or {})
        """By fault what is about to be done, or was, and what undoing it takes."""
        self.active: set[str] = set()
        self.finished = {name: asyncio.Event() for name in statuses}
        """Set when a fault will not be on again."""
        self._choosers: dict[str, tuple[str, asyncio.Event]] = {}
        self._journal = journal
        self._clock = clock

    def note(self, name: str, **changes: Any) -> None:
        """Changes a fault's status."""
        self.statuses[name] = self.statuses[name].model_copy(update=changes)
        self._journal.fault(self.statuses[name], self._clock.now())

    async def intend(self, name: str, state: dict[str, Any]) -> None:
        """Puts on disk what a fault is about to do."""
        await self._journal.intent(name, state, self._clock.now())
        self.intents[name] = state

    def will_choose(self, name: str, service: str) -> None:
        """Note, in the order of the plan, that a fault chooses among a service's pods."""
        self._choosers[name] = service, asyncio.Event()

    async def turn(self, name: str) -> None:
        """Wait until the faults that the plan has before this one have chosen among the same service's pods.

        Each leaves the next what it did not take, so the seed gives the same pods only in the same order.
        """
        if name not in self._choosers:
            return
        mine = self._choosers[name][0]
        line = [other for other, (service, _) in self._choosers.items() if service == mine]
        line.sort(key=lambda other: self.statuses[other].planned_start)
        for other in line[: line.index(name)]:
            await self._choosers[other][1].wait()

    def chose(self, name: str) -> None:
        """A fault has chosen, or never will."""
        if name in self._choosers:
            self._choosers[name][1].set()

    def finish(self, name: str) -> None:
        """A fault will not be on again."""
        self.chose(name)
        self.finished[name].set()

    def others_on(self, name: str) -> bool:
        """Whether another fault is on the same edge."""
        edge = self.statuses[name].edge
        return bool(edge) and any(self.statuses[other].edge == edge for other in self.active - {name})
