"""One run from Reset to Done. It owns its Run object: every status write comes before the act that it announces."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from faultline import grading, heldout, tuning
from faultline.api.run import CheckStatus, HeldOutStatus, Phase
from faultline.api.status import LabPhase, ScenarioStatus
from faultline.clients.injector_api import Injector
from faultline.clients.kube import Json, path
from faultline.clients.loadgen_api import LoadGenerator, LoadState
from faultline.clients.prometheus import Prometheus
from faultline.controller import code, deploy, files, plan, prepare, secret, watch
from faultline.controller.api import Api, patiently
from faultline.controller.conditions import holds
from faultline.controller.labs import Labs
from faultline.controller.record import Record
from faultline.controller.release import Release
from faultline.controller.settings import Settings
from faultline.errors import FaultlineError, NotFound, NotReady, Unreachable
from faultline.grading import Evidence, LoadReport
from faultline.names import harness_namespace
from faultline.scenario import ScenarioSpec

log = logging.getLogger(__name__)

LEAD_SECONDS = 1.0
"""Between the last word before the load and the start mark."""
LAB_SECONDS = 90.0
"""How long a run waits for a lab that is being deployed."""
HISTORY = "history.jsonl.gz"
READS_SECONDS = 20.0
"""For the final reads and the generator's summary."""
POLL_SECONDS = 0.3
TIMED = {"baseline": Phase.BASELINE, "fault": Phase.FAULT, "recovery": Phase.RECOVERY, "drain": Phase.DRAIN}


class Stopped(Exception):
    """The run ended early; the doubts say why."""


@dataclass(frozen=True)
class Ground:
    """What a run stands on: the Scenario object as it was at the start, and the code in force.

    `spec` has the faults that are held out, too; `held_out` are their names.
    """

    scenario: Json
    spec: ScenarioSpec
    seed: int
    held_out: frozenset[str]
    code: code.Code
    token: str


class Experiment:
    """One run. `perform` never raises for what the lab does; a cancelled one still ends its faults."""

    def __init__(self, api: Api, settings: Settings, labs: Labs, run: Json) -> None:
        self._api = api
        self._settings = settings
        self._labs = labs
        self._doubts = watch.Doubts()
        self.record = Record(api, run)

    async def perform(self) -> None:
        """To the end, whatever it is."""
        try:
            ground = await self._ground()
            with self._occupied():
                await self._measure_and_grade(ground)
        except Stopped:
            await self.record.inconclusive(self._doubts.found)
        except FaultlineError as error:
            await self.record.inconclusive([*self._doubts.found, f"{error.code}: {error.message}"])
        except Exception as error:
            log.exception("run %s", self.record.name)
            phase = self.record.status.phase.value
            await self.record.inconclusive([*self._doubts.found, f"in {phase}: {type(error).__name__}: {error}"])
        await self._announce()

    @contextlib.contextmanager
    def _occupied(self) -> Iterator[None]:
        lab = self._labs.known.get(self.record.scenario)
        if lab:
            lab.busy = True
        try:
            yield
        finally:
            if lab:
                lab.busy = False

    async def _ground(self) -> Ground:
        name = self.record.scenario
        scenario = await self._api.get(path("Scenario", name))
        if scenario is None:
            raise NotFound("FL209", f"spec.scenario: there is no Scenario {name}", f"faultline apply {name}")
        spec = deploy.validated(scenario)
        in_force = await code.in_force(self._api, scenario)
        await self._lab_ready(name, scenario["metadata"]["generation"], in_force.configmap)
        harness = await self._api.get(path("Secret", deploy.HARNESS_SECRET, harness_namespace(name)))
        if harness is None:
            raise NotReady("FL323", f"the lab {name} has no harness", f"kubectl describe scenario {name}")
        seed = int(self.record.run["spec"].get("seed", 1))
        chosen = await secret.chosen(self._api, in_force, spec, seed)
        await self.record.enter(
            Phase.RESET,
            "restoring data, fresh pods",
            started=time.time(),
            code=deploy.graded(in_force, spec),
            held_out=HeldOutStatus(faults=len(chosen), sha256=heldout.digest(chosen)) if chosen else None,
        )
        full = heldout.added(tuning.applied(spec, in_force.files), chosen)
        token = base64.b64decode(harness["data"]["token"]).decode()
        return Ground(scenario, full, seed, frozenset(each.name for each in chosen), in_force, token)

    async def _lab_ready(self, name: str, generation: int, configmap: str) -> None:
        """A lab that is still being deployed is waited for; one that failed or is suspended is not.

        Ready means with this code: the lab's task may not have seen yet that another one was named.
        """
        deadline = time.monotonic() + LAB_SECONDS
        told = False
        while True:
            lab = self._labs.known.get(name)
            status = lab.status if lab else ScenarioStatus()
            current = status.observed_generation == generation
            if holds(status, "Ready") and current and status.code_config_map == configmap:
                return
            failed = status.phase is LabPhase.FAILED and status.code_config_map in (configmap, None)
            hopeless = current and (failed or status.phase is LabPhase.SUSPENDED)
            if hopeless or time.monotonic() > deadline:
                why = status.message or status.phase.value
                raise NotReady("FL323", f"the lab {name} is not Ready: {why}", f"kubectl describe scenario {name}")
            if not told:
                await self.record.write(message=f"waiting until the lab {name} is Ready")
            told = True
            await asyncio.sleep(POLL_SECONDS)

    async def _measure_and_grade(self, ground: Ground) -> None:
        name = self.record.scenario
        async with Injector.of(name, ground.token) as injector, LoadGenerator.of(name, ground.token) as loadgen:
            try:
                evidence = await self._measure(ground, injector, loadgen)
            except BaseException:
                await _despite_cancellation(self._end(injector, loadgen))
                raise
            await self._grade(ground, evidence, loadgen)

    async def _measure(self, ground: Ground, injector: Injector, loadgen: LoadGenerator) -> Evidence:
        name, run = self.record.scenario, self.record.name
        release = await Release.of(self._api, name)
        await prepare.reset(self._api, injector, release, name, run, self._labs.speed.scale)
        await self.record.enter(Phase.SETTLE, "edges clean, data stores and the way in answer")
        services = [each.name for each in ground.spec.app.services if each.replicas]
        await prepare.settle(injector, name, services, plan.target(name))
        # Only now: pods that start keep the cores busy, which would make them look slow.
        if await self._labs.speed.look():
            await prepare.rolled_out(self._api, name, self._labs.speed.scale)
        await prepare.prepare_load(loadgen, run, plan.load_plan(name, ground.seed, ground.spec, ground.code.load_py))
        replaced = plan.replaced(ground.spec)
        deployed = watch.Deployed(self._api, ground.scenario, replaced, release)
        await deployed.remember()
        mark = await self._start(ground, injector, loadgen)
        # To the last read: who answers then must be who was asked to keep it.
        async with self._beside(deployed.watch(self._doubts)):
            async with self._beside(
                watch.keep_lease(injector, run, self._doubts),
                watch.mirror(injector, loadgen, self.record, self._doubts),
            ):
                await self._timed(ground.spec, mark)
            final = await injector.end_plan(run)
            await self.record.enter(
                Phase.FINAL_READS, "reading back what was written", faults=final or self.record.status.faults
            )
            load = await self._final_reads(loadgen)
            await deployed.look_again(self._doubts)
        return Evidence(
            run=run,
            scenario=name,
            windows=plan.windows_at(ground.spec, mark),
            end=time.time(),
            load=LoadReport.model_validate(load.model_dump()),
            faults=self.record.status.faults,
            problems=self._doubts.found,
            cpu_scale=self._labs.speed.scale,
        )

    async def _start(self, ground: Ground, injector: Injector, loadgen: LoadGenerator) -> float:
        """The plan is on record before the injector has it, and the injector has it before the load begins."""
        mark = time.time() + LEAD_SECONDS
        faults = plan.fault_plan(ground.spec, mark, ground.seed, ground.held_out, self._labs.speed.scale)
        await self.record.write(mark=mark, faults=plan.planned(ground.spec, faults))
        await injector.put_plan(self.record.name, faults, watch.LEASE_SECONDS)
        await loadgen.start(self.record.name, mark)
        return mark

    async def _timed(self, spec: ScenarioSpec, mark: float) -> None:
        windows = plan.windows_at(spec, mark)
        for name, phase in TIMED.items():
            start, end = windows[name]
            if not await self._doubts.wait_until(start):
                raise Stopped
            await self.record.enter(phase, f"until {end - mark:g} s after the start mark", at=start)
        if not await self._doubts.wait_until(windows["drain"][1]):
            raise Stopped

    @asynccontextmanager
    async def _beside(self, *others: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(each) for each in others]
        for task in tasks:
            task.add_done_callback(self._died)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _died(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._doubts.stop(f"the run was no longer watched: {type(error).__name__}: {error}")

    async def _final_reads(self, loadgen: LoadGenerator) -> LoadState:
        deadline = time.monotonic() + READS_SECONDS
        while (load := await loadgen.state(self.record.name)).state not in ("done", "failed"):
            if time.monotonic() > deadline:
                self._doubts.add(f"the load generator was still {load.state} {READS_SECONDS:g} s after the drain")
                break
            await asyncio.sleep(POLL_SECONDS)
        return load

    async def _grade(self, ground: Ground, evidence: Evidence, loadgen: LoadGenerator) -> None:
        await self.record.enter(Phase.GRADING, "asking Prometheus")
        where = files.folder(self._settings.data, self.record.name)
        async with Prometheus(self._settings.prometheus_url) as prometheus:
            # While the checks are made Prometheus scrapes the last numbers.
            checks, note = await self._check(ground, evidence, loadgen)
            end = await grading.wait_complete(prometheus, evidence.run)
            evidence = evidence.model_copy(update={"end": end, "checks": checks})
            graded = await grading.grade(prometheus, ground.spec, evidence)
            lines = await grading.series(prometheus, evidence)
        notes = [note, files.write(where, "series.json", lines.model_dump_json(by_alias=True).encode())]
        missing = "; ".join(each for each in notes if each)
        await self.record.enter(
            Phase.DONE,
            missing,
            ended=time.time(),
            objectives=graded.objectives,
            checks=evidence.checks,
            score=graded.score,
            verdict=graded.verdict.value,
            reasons=graded.reasons,
            summary=graded.summary,
            canary_scale=graded.canary_scale,
            cpu_scale=evidence.cpu_scale,
        )

    async def _check(
        self, ground: Ground, evidence: Evidence, loadgen: LoadGenerator
    ) -> tuple[list[CheckStatus], str | None]:
        """Keeps the history and has its checks made; the problem in words when it is not there."""
        where = files.folder(self._settings.data, self.record.name)
        try:
            note = files.write(where, HISTORY, await loadgen.history(self.record.name))
        except Unreachable as error:
            note = f"{HISTORY} was not fetched: {error.message}"
        history = None if note else where / HISTORY
        return await grading.check(ground.spec, history, evidence.healed), note

    async def _end(self, injector: Injector, loadgen: LoadGenerator) -> None:
        """After a stop of any kind: no fault stays, no load goes on."""
        try:
            if final := await injector.end_plan(self.record.name):
                self.record.status = self.record.status.model_copy(update={"faults": final})
        except FaultlineError as error:
            # The lease ends the faults without us within its 3 s.
            log.warning("ending the faults of %s: %s", self.record.name, error.message)
        try:
            await loadgen.discard(self.record.name)
        except FaultlineError as error:
            # The next run's preparation ends whatever load is left.
            log.warning("ending the load of %s: %s", self.record.name, error.message)

    async def _announce(self) -> None:
        """The Scenario's last result, an event on both, and run.json."""
        status = self.record.status
        files.write(
            files.folder(self._settings.data, self.record.name), "run.json", files.run_json(self.record.run, status)
        )
        last = {"lastRun": self.record.name, "lastScore": status.score, "lastVerdict": status.verdict}
        where = path("Scenario", self.record.scenario)
        scenario = await patiently(lambda: self._api.get(where))
        text = f"{self.record.name}: {status.verdict}" + (f", score {status.score}" if status.score is not None else "")
        text += f" ({'; '.join(status.reasons)})" if status.reasons else ""
        await self._api.event(self.record.run, "Done", text)
        if scenario:
            await patiently(lambda: self._api.patch(f"{where}/status", {"status": last}))
            await self._api.event(scenario, "RunDone", text)


async def _despite_cancellation(cleanup: Coroutine[Any, Any, None]) -> None:
    """Wait for the clean-up even when the run's task is cancelled again meanwhile; its calls are bounded."""
    task = asyncio.ensure_future(cleanup)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()
