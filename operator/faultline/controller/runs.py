"""The queue of runs: one at a time on a machine, oldest first; what was begun before this process lived is given up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from faultline.api.run import Phase
from faultline.clients.kube import Json, path
from faultline.controller import deploy, sweep
from faultline.controller.api import Api
from faultline.controller.record import Record
from faultline.errors import FaultlineError, NotFound

log = logging.getLogger(__name__)

KEPT = 50
"""Runs per Scenario; their files stay."""
RETRY_SECONDS = 2.0

Perform = Callable[[Json], Coroutine[Any, Any, None]]


class Runs:
    """Handlers leave Run objects here; `keep` takes them one after the other. `perform` does one to its end."""

    def __init__(self, api: Api, perform: Perform) -> None:
        self._api = api
        self._perform = perform
        self._known: dict[str, Json] = {}
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._active: str | None = None
        self._task: asyncio.Task[None] | None = None

    def see(self, run: Json) -> None:
        """A Run is there, or has changed."""
        name = run["metadata"]["name"]
        if sweep.phase_of(run) is Phase.DONE:
            self._known.pop(name, None)
        elif name not in self._known:
            self._known[name] = run
            self._wake.set()

    def gone(self, name: str) -> None:
        """A Run was deleted: one that is under way ends, and its faults with it."""
        self._known.pop(name, None)
        if name == self._active and self._task:
            self._task.cancel()

    def scenario_gone(self, scenario: str) -> None:
        """A Scenario was deleted, and its Runs go with it; what is under way has no lab any more."""
        for name, run in list(self._known.items()):
            if run["spec"]["scenario"] == scenario and name == self._active:
                self.gone(name)

    async def keep(self) -> None:
        """For ever: the next run, or wait for one."""
        while True:
            self._wake.clear()
            try:
                await self._greet()
                run = await self._next()
            except FaultlineError as error:
                log.warning("runs: %s", error.message)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if run is None:
                await self._wake.wait()
            else:
                await self._one(run)

    async def greet_for_ever(self) -> None:
        """Tell runs that come while another is under way that they are queued."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._greet()
            except FaultlineError as error:
                log.warning("runs: %s", error.message)

    async def _next(self) -> Json | None:
        """The oldest one that is still queued, as the API server has it now."""
        for name in sorted(self._known, key=lambda name: _age(self._known[name])):
            run = await self._api.get(path("Run", name))
            if run is None or run["metadata"].get("deletionTimestamp") or sweep.phase_of(run) is Phase.DONE:
                self._known.pop(name, None)
            elif sweep.interrupted(run):
                await sweep.give_up(self._api, run, "the operator was restarted")
                self._known.pop(name, None)
            else:
                return run
        return None

    async def _one(self, run: Json) -> None:
        name = run["metadata"]["name"]
        async with self._writing:
            self._active = name
        self._task = asyncio.create_task(self._perform(run), name=f"run {name}")
        greeter = asyncio.create_task(self.greet_for_ever())
        try:
            await asyncio.wait([self._task])
        except asyncio.CancelledError:
            await self._interrupt(run)
            raise
        finally:
            greeter.cancel()
            self._active = None
            self._known.pop(name, None)
        if not self._task.cancelled() and (error := self._task.exception()):
            log.error("run %s ended without a status: %s", name, error)
        await self._prune(run["spec"]["scenario"])

    async def _interrupt(self, run: Json) -> None:
        """The operator is being stopped: the run's own clean-up first, then the status says why."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            now = await self._api.get(path("Run", run["metadata"]["name"]))
            if now and sweep.interrupted(now):
                await sweep.give_up(self._api, now, "the operator was stopped")
        except FaultlineError as error:
            # The next operator finds the run interrupted and says so.
            log.warning("run %s: %s", run["metadata"]["name"], error.message)

    async def _greet(self) -> None:
        """Queued, and owned by its Scenario, so that it goes with it."""
        async with self._writing:
            waiting = sorted(self._known, key=lambda name: _age(self._known[name]))
            for name in waiting:
                run = self._known[name]
                if name == self._active or run.get("status"):
                    continue
                ahead = waiting.index(name)
                message = f"{ahead} before this one" if ahead else "next"
                try:
                    await self._adopt(run)
                    await Record(self._api, run).write(phase=Phase.QUEUED, message=message)
                    run["status"] = {"phase": Phase.QUEUED.value}
                except NotFound:
                    self._known.pop(name, None)

    async def _adopt(self, run: Json) -> None:
        scenario = await self._api.get(path("Scenario", run["spec"]["scenario"]))
        if scenario and not run["metadata"].get("ownerReferences"):
            where = path("Run", run["metadata"]["name"])
            await self._api.patch(where, {"metadata": {"ownerReferences": [deploy.owner(scenario)]}})

    async def _prune(self, scenario: str) -> None:
        try:
            found = [each for each in await self._api.items(path("Run")) if each["spec"]["scenario"] == scenario]
            done = sorted((each for each in found if sweep.phase_of(each) is Phase.DONE), key=_age)
            for each in done[:-KEPT]:
                await self._api.delete(path("Run", each["metadata"]["name"]))
        except FaultlineError as error:
            # The next run's end prunes again.
            log.warning("old runs of %s: %s", scenario, error.message)


def _age(run: Json) -> tuple[str, str]:
    return str(run["metadata"].get("creationTimestamp", "")), str(run["metadata"]["name"])
