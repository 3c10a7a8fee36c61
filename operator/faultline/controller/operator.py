"""The operator as a whole: takes the Lease, sweeps, then keeps labs, runs and schedules until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

from faultline.clients.kube import Json, Kube, path
from faultline.controller import schedule, sweep
from faultline.controller.api import Api
from faultline.controller.experiment import Experiment
from faultline.controller.labs import Labs
from faultline.controller.leader import Leader
from faultline.controller.runs import Runs
from faultline.controller.settings import Settings
from faultline.errors import FaultlineError
from faultline.lab import Helm

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0


class Operator:
    """What the handlers speak to."""

    def __init__(self, kube: Kube, settings: Settings) -> None:
        self.api = Api(kube)
        self._settings = settings
        self._leader = Leader(self.api, settings.namespace, settings.identity)
        self.labs = Labs(self.api, Helm(clear_pending=self._clear_pending), settings.images)
        self.runs = Runs(self.api, self._perform)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in the background. When it fails the process ends, and the Deployment starts another."""
        self._task = asyncio.create_task(self._live(), name="operator")
        self._task.add_done_callback(_end_process)

    async def stop(self) -> None:
        """Runs end inconclusive, their faults end, labs stay; the Lease is free for the next."""
        if self._task:
            self._task.remove_done_callback(_end_process)
            self._task.cancel()
            await asyncio.wait([self._task])
        self.labs.stop()
        try:
            await self._leader.release()
        except FaultlineError as error:
            # It runs out by itself.
            log.warning("the Lease was not given back: %s", error.message)
        self.api.close()

    async def _live(self) -> None:
        await self._lead()
        holder = asyncio.create_task(self._leader.hold(), name="lease")
        work = [holder, asyncio.create_task(self._work(), name="work")]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.wait(work)

    async def _lead(self) -> None:
        while True:
            try:
                await self._leader.acquire()
                log.info("%s holds the Lease", self._settings.identity)
                return
            except FaultlineError as error:
                log.warning("waiting for the API server: %s", error.message)
                await asyncio.sleep(RETRY_SECONDS)

    async def _work(self) -> None:
        await self._sweep()
        await self.labs.speed.look()
        self.labs.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.runs.keep(), name="runs")
            group.create_task(schedule.keep(self.api, self.labs), name="schedule")

    async def _sweep(self) -> None:
        try:
            await sweep.sweep(self.api)
        except FaultlineError as error:
            # Leases end the faults; the runs themselves are looked at one by one.
            log.warning("sweep: %s", error.message)

    async def _perform(self, run: Json) -> None:
        await Experiment(self.api, self._settings, self.labs, run).perform()

    async def _clear_pending(self, namespace: str, selector: str) -> None:
        for each in await self.api.items(path("Secret", namespace=namespace), selector):
            await self.api.delete(path("Secret", each["metadata"]["name"], namespace))


def _end_process(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    log.critical("the operator ends: %s", error or "its task is over", exc_info=error)
    os.kill(os.getpid(), signal.SIGTERM)
