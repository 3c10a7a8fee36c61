"""What faults on data stores have in common: most last as long as a connection that makes them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar, Protocol

from faultline.errors import Unreachable
from faultline.faults.base.fault import FeltFault, Target

On = Callable[[], None]


class StoreError(Unreachable):
    """A data store refused a request of a fault, or did not answer it.

    `state` is Postgres' SQLSTATE or Redis' error prefix (`OOM`); empty where there was no answer at all.
    """

    def __init__(self, message: str, state: str = "") -> None:
        super().__init__("FL624", message)
        self.state = state


class StoreTarget(Target, Protocol):
    """What the injector offers faults on data stores."""

    @property
    def moment(self) -> float:
        """When the change at hand is due: Unix seconds, past for at once."""

    @property
    def until(self) -> float:
        """When the fault is to be over by itself, whatever becomes of the injector: Unix seconds."""

    @property
    def memory(self) -> dict[str, Any]:
        """What the fault wants to remember from one look to the next; gone with the injector."""

    def now(self) -> float:
        """Unix seconds."""

    async def keep(self, hold: Callable[[On], Awaitable[None]]) -> None:
        """Run `hold` in the background until `let_go`; returns when it has called what it is given, raises if it fails.

        When it ends by itself later (the store was restarted, a connection was lost) it is run again: the fault is on
        again, and the time between counts as a gap.
        """

    async def let_go(self) -> None:
        """Cancel what `keep` runs and wait for its end; nothing running is fine."""


async def first(events: Iterable[asyncio.Event]) -> None:
    """Returns when one of them is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


class HeldFault(FeltFault):
    """A fault that is on while `hold` runs, and so ends with the injector, whatever ends that."""

    outlives_injector: ClassVar[bool] = False

    async def prepare(self, target: Any) -> None:
        """Whatever takes long and disturbs nothing."""

    @abstractmethod
    async def hold(self, target: Any, on: On) -> None:
        """Make ready, wait until it is `due`, disturb, call `on`, and return when that is lost; cancelled at its end.

        Logging in alone can take a small store that is busy a second: what can be done ahead of the moment is.
        """

    async def apply(self, target: Any) -> None:
        """On at its moment, until `revert`."""
        if not target.state:
            await target.intend(type=type(self).__name__)
        await self.prepare(target)
        await target.keep(lambda on: self.hold(target, on))

    async def revert(self, target: Any) -> None:
        """Off."""
        await target.let_go()
