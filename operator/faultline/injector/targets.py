"""What faults act on, as the injector offers it: an edge, or nothing. `moment` is when the change at hand is due."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from faultline.api.toxic import Toxic
from faultline.errors import NotFound
from faultline.injector.clock import Clock
from faultline.injector.config import split
from faultline.injector.edge import Edge
from faultline.injector.firewall import Firewall


class EdgeTarget:
    """An edge as a fault sees it. `moment` is when the change that is being made is due."""

    def __init__(self, edge: Edge, firewall: Firewall, clock: Clock, fault: str) -> None:
        self._edge = edge
        self._firewall = firewall
        self._clock = clock
        self._port = split(edge.config.listen)[1]
        self.edge = edge.name
        self.fault = fault
        self.moment = 0.0
        self.done = 0.0
        """When the latest change was made."""

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
        await asyncio.sleep(self.moment - self._clock.now())
        await self._firewall.drop(self._port, self.fault)
        self.done = self._clock.now()

    async def undrop(self) -> None:
        """Let packets through from the moment on."""
        await asyncio.sleep(self.moment - self._clock.now())
        await self._firewall.undrop(self._port, self.fault)
        self.done = self._clock.now()


class NoTarget:
    """What a fault that acts on nothing gets."""

    edge = ""
    done = 0.0

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.moment = 0.0

    async def add(self, toxics: Mapping[str, Toxic]) -> None:
        """There is nothing to put them on."""
        raise NotFound("FL210", f"fault {self.fault} names no edge, {', '.join(toxics)} has nowhere to go")

    async def remove(self, suffixes: Iterable[str]) -> None:
        """Nothing can be on."""

    async def cut(self) -> None:
        """There is nothing to cut."""

    async def drop(self) -> None:
        """There is nothing to drop."""

    async def undrop(self) -> None:
        """Nothing can be dropped."""
