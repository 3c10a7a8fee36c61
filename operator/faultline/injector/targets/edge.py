"""An edge as faults on it act on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faultline.api.toxic import Toxic
from faultline.injector.clock import Clock
from faultline.injector.config import split
from faultline.injector.edge import Edge
from faultline.injector.firewall import Firewall
from faultline.injector.targets.base import RunTarget


class EdgeTarget(RunTarget):
    """An edge as a fault sees it; changes are made at the moment, by threads that wait for it exactly."""

    def __init__(self, edge: Edge, firewall: Firewall, clock: Clock, fault: str) -> None:
        super().__init__(fault)
        self._edge = edge
        self._firewall = firewall
        self._clock = clock
        self._port = split(edge.config.listen)[1]
        self.edge = edge.name

    async def add(self, toxics: Mapping[str, Toxic]) -> None:
        """Put toxics named `fault.suffix` on the edge at the moment."""
        named = {f"{self.fault}.{suffix}": toxic for suffix, toxic in toxics.items()}
        self.done = await self._edge.add(named, self.moment)

    async def remove(self, suffixes: Iterable[str]) -> None:
        """Take them off at the moment."""
        self.done = await self._edge.remove([f"{self.fault}.{suffix}" for suffix in suffixes], self.moment)

    async def cut(self) -> None:
        """Reset open connections at the moment."""
        self.done = await self._edge.cut(self.moment)

    async def drop(self) -> None:
        """Drop packets from the moment on."""
        await self._firewall.drop(self._port, self.fault, self.moment - self._clock.now())
        self.done = self._clock.now()

    async def undrop(self) -> None:
        """Let packets through from the moment on."""
        await self._firewall.undrop(self._port, self.fault, self.moment - self._clock.now())
        self.done = self._clock.now()
