"""One lab as its injector has it: the edges, the runner, the data stores, and their start and end."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import Any, Self

from faultline.errors import Unreachable
from faultline.injector.clock import Clock
from faultline.injector.config import REPLICATION, Config, split
from faultline.injector.connections import Connections
from faultline.injector.edge import Edge
from faultline.injector.firewall import Firewall
from faultline.injector.journal import Journal
from faultline.injector.metrics import InjectorCollector
from faultline.injector.observer import Observer
from faultline.injector.process import program
from faultline.injector.proof import Prover
from faultline.injector.rabbitmq import reset_rabbitmq
from faultline.injector.readiness import edge_problem, store_problem
from faultline.injector.runner import CLEAN_SECONDS, Runner
from faultline.injector.stores import reset_postgres, reset_redis
from faultline.injector.targets import Targets

log = logging.getLogger(__name__)

START_SECONDS = 10.0
SWEEP_SECONDS = 1.0
"""Between two tries to put back what earlier faults left."""
RESTORE_SECONDS = 20.0
"""How long a reset tries: a Postgres that is still busy with an overloaded run's backlog answers late."""


class Lab:
    """Everything that the API speaks for; use it as an async context manager."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        path = program(config.toxiproxy)
        self.edges = {edge.name: Edge(edge, path, self.clock) for edge in config.edges}
        self.firewall = Firewall([split(edge.listen)[1] for edge in config.edges], config.own_network)
        self.connections = Connections(config.edges, self.firewall)
        self.journal = Journal(config.journal_dir)
        self.targets = Targets(config, self.edges, self.firewall, self.clock)
        prover = Prover(config, self.clock)
        self.runner = Runner(self.edges, self.firewall, self.targets, prover, self.journal, self.clock)
        self.observer = Observer(config, self.clock)
        self._collector = InjectorCollector(self.edges, self.runner, self.connections, self.observer)
        self._tasks: list[asyncio.Task[None]] = []
        self._swept = False

    async def __aenter__(self) -> Self:
        """Starts all edges, then goes on with what the journal has."""
        self._tasks = [asyncio.create_task(edge.run(), name=f"edge {name}") for name, edge in self.edges.items()]
        self._tasks.append(asyncio.create_task(self.firewall.run(), name="firewall"))
        self._tasks.append(asyncio.create_task(self.connections.run(), name="connections"))
        self._tasks.append(asyncio.create_task(self.observer.run(), name="observer"))
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.gather(*(edge.ready() for edge in self.edges.values()))
        except TimeoutError:
            # Faults of a plan under way must end on the edges that did come up; /ready names the others.
            log.error("not all edges are up: %s", [name for name, edge in self.edges.items() if not edge.up])
        if replay := self.journal.replay():
            await self.runner.resume(replay)
        self._tasks.append(asyncio.create_task(self._sweep(), name="sweep"))
        return self

    async def _sweep(self) -> None:
        """What faults of a pod before this one left is put back, however long it takes to reach it."""
        while True:
            try:
                await self.targets.restore(self.runner.owned)
                self._swept = True
                return
            except Exception as error:
                log.error("what earlier faults left is not put back yet: %s", error)
                await asyncio.sleep(SWEEP_SECONDS)

    async def __aexit__(self, *error: object) -> None:
        """Ends every fault, then the edges."""
        await self.runner.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.targets.close()
        self.journal.close()

    def metrics(self) -> bytes:
        """For Prometheus."""
        return self._collector.page()

    def state(self) -> dict[str, Any]:
        """What /state answers."""
        return {
            "edges": {
                name: {"up": edge.up, "toxics": sorted(edge.wanted), "restarts": edge.restarts}
                for name, edge in self.edges.items()
            },
            "run": self.runner.run,
            "alive": self.runner.alive,
            "stopped": self.runner.stopped,
            "faults": [each.model_dump(mode="json", by_alias=True) for each in self.runner.statuses],
            "lease_expires": self.runner.lease_expires,
            "connections": self.connections.problem or "counted",
        }

    async def problems(self) -> list[str]:
        """What stands in the way of a run, empty when nothing does."""
        checks = [edge_problem(edge) for edge in self.edges.values()]
        checks += [store_problem(edge.config, self.config) for edge in self.edges.values()]
        found = [problem for problem in await asyncio.gather(*checks) if problem]
        return found if self._swept else ["what earlier faults left is not put back yet", *found]

    async def reset(self) -> float:
        """Clean edges and first data, with the app cut off meanwhile; how many seconds it took.

        Raises Unreachable when a store does not come along.
        """
        started = time.monotonic()
        await asyncio.gather(*(edge.clean(CLEAN_SECONDS) for edge in self.edges.values()))
        async with AsyncExitStack() as shut:
            # An app that a run has overloaded would keep Postgres busy with connections to what is being made anew.
            for edge in self.edges.values():
                if edge.name != REPLICATION:
                    await shut.enter_async_context(edge.shut())
            await self._restore()
            await asyncio.gather(reset_postgres(self.config), reset_redis(self.config), reset_rabbitmq(self.config))
            self.observer.forget()
        return time.monotonic() - started

    async def _restore(self) -> None:
        deadline = time.monotonic() + RESTORE_SECONDS
        while True:
            try:
                return await self.targets.restore(self.runner.owned)
            except Unreachable as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("once more: %s", error.message)
                await asyncio.sleep(SWEEP_SECONDS)
