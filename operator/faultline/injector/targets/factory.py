"""Gives each planned fault its target, and puts back what faults of an injector before this one left."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from faultline.faults.base import Fault, SomePods
from faultline.injector.clock import Clock
from faultline.injector.config import Config
from faultline.injector.edge import Edge
from faultline.injector.firewall import Firewall
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record
from faultline.injector.targets.base import NoTarget, RunTarget
from faultline.injector.targets.clock import ClockTarget
from faultline.injector.targets.edge import EdgeTarget
from faultline.injector.targets.pod import Pods, PodTarget
from faultline.injector.targets.postgres import PostgresTarget, restore_postgres
from faultline.injector.targets.redis import RedisTarget, restore_redis
from faultline.injector.targets.traffic import TrafficTarget


class Targets:
    """One lab's; a family whose faults outlive the injector has its part in `restore`."""

    def __init__(self, config: Config, edges: Mapping[str, Edge], firewall: Firewall, clock: Clock) -> None:
        self._config = config
        self._pods = Pods(config)
        self._edges = edges
        self._firewall = firewall
        self._clock = clock

    def make(self, planned: PlannedFault, fault: Fault, record: Record, ended: asyncio.Event) -> RunTarget:
        """The target of one fault of a plan; `ended` is set when the plan ends."""
        if fault.family == "edge":
            return EdgeTarget(self._edges[planned.edge], self._firewall, self._clock, planned.name)
        if fault.family == "postgres":
            return PostgresTarget(planned, record, self._clock, ended, self._config, self._edges)
        if fault.family == "redis":
            return RedisTarget(planned, record, self._clock, ended, self._config)
        if fault.family == "traffic":
            return TrafficTarget(planned, record, self._clock, ended, self._config)
        if fault.family == "pod":
            if isinstance(fault, SomePods) and planned.name not in record.intents:
                record.will_choose(planned.name, fault.service)
            return PodTarget(self._pods, planned, record, self._clock, ended)
        if fault.family == "clock":
            return ClockTarget(self._pods, planned, record, self._clock, ended)
        return NoTarget(planned, record, self._clock, ended)

    async def restore(self, kept: Collection[str] = ()) -> None:
        """Puts back whatever a fault changed, but for the faults `kept`, which are still being carried out.

        At the injector's start and at each reset; nothing to put back is fine. Edges need nothing: their toxics are in
        memory only. Raises StoreError where a data store cannot be asked.
        """
        await self._pods.restore(kept)
        # Those of data stores end with the injector; what is kept is being put on again just now.
        if not kept:
            await asyncio.gather(restore_postgres(self._config, self._edges), restore_redis(self._config))

    async def close(self) -> None:
        """Give back what the families' targets share."""
        self._pods.close()
