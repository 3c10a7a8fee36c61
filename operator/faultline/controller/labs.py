"""The labs: one task per Scenario, which makes the lab what the object says and tells how it is.

Handlers only leave the newest object here. A task looks at the newest when it is done with the one before, so a burst
of changes becomes one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from faultline.api.status import LabNamespaces, LabPhase, ScenarioStatus
from faultline.clients.kube import Json, path
from faultline.controller import code, deploy, readiness
from faultline.controller.api import Api
from faultline.controller.conditions import condition, difference, holds, with_condition
from faultline.controller.plan import replaced
from faultline.controller.speed import Speed
from faultline.errors import FaultlineError, InvalidInput, Unreachable
from faultline.lab import Helm, Problem
from faultline.names import harness_namespace, lab_namespace

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
CHECK_SECONDS = 10.0
BUSY_SECONDS = 1.0
"""While a run is under way: a pod that a fault has replaced gets its CPU limit as soon as it is Ready."""
RETRY_SECONDS = 5.0
PROBLEMS_SECONDS = 2.0
PATIENCE_SECONDS = 120.0
"""After this a lab that is not up is called Failed; it is watched on all the same."""
FATAL_SECONDS = 60.0
"""The same when a pod says that it will not come up: one that waits for its database may end a few times before."""


class Lab:
    """One Scenario's lab. `scenario` is the newest object, `status` what was written about it last."""

    def __init__(
        self, api: Api, helm: Helm, images: Mapping[str, str], chart: str, speed: Speed, scenario: Json
    ) -> None:
        self._api = api
        self._helm = helm
        self._images = images
        self._chart = chart
        self._speed = speed
        self._wake = asyncio.Event()
        self._since = time.monotonic()
        self._found: list[Problem] = []
        self._looked = 0.0
        self.scenario = scenario
        self.busy = False
        """A run is under way: it restarts pods and may take the app down, which is then not news about the lab."""
        self.status = ScenarioStatus.model_validate(scenario.get("status") or {})
        self._coming_up: tuple[deploy.Desired, tuple[Any, ...]] | None = None
        """What was deployed for which wish and is not up yet: until it is, only the pods are looked at."""
        self._served = self.status.code_config_map if holds(self.status, "Ready") else None

    @property
    def name(self) -> str:
        """Of the Scenario."""
        return str(self.scenario["metadata"]["name"])

    def see(self, scenario: Json) -> None:
        """Take the newest object; what only the operator wrote wakes nobody."""
        changed = _wish(scenario) != _wish(self.scenario)
        self.scenario = scenario
        if changed:
            self._wake.set()

    async def keep(self) -> None:
        """Reconcile for ever: at once after a change, else when the last look says so."""
        while True:
            self._wake.clear()
            delay = await self._look()
            try:
                await asyncio.wait_for(self._wake.wait(), delay)
            except TimeoutError:
                continue

    async def _look(self) -> float | None:
        try:
            return await self.reconcile()
        except InvalidInput as error:
            await self._refuse(error)
            return None
        except FaultlineError as error:
            await self._trouble(error.message)
        except Exception as error:
            log.exception("lab %s", self.name)
            await self._trouble(f"{type(error).__name__}: {error}")
        return RETRY_SECONDS

    async def reconcile(self) -> float | None:
        """One look; how many seconds until the next, None to wait for a change."""
        wish = _wish(self.scenario)
        if self._coming_up and self._coming_up[1] == wish:
            return await self._watch(self._coming_up[0], wish)
        spec = deploy.validated(self.scenario)
        if spec.suspend:
            await self._suspend()
            return None
        if not await deploy.namespaces_ready(self._api, self.scenario):
            await self._write(self._said(LabPhase.PENDING, "the namespaces of an earlier lab of this name are going"))
            return 1.0
        wanted = await deploy.desired(self._api, self.scenario, spec, self._images, self._chart)
        if wanted.digest != self.status.deployed:
            await self._deploy(wanted)
        return await self._watch(wanted, wish, BUSY_SECONDS if replaced(spec) else CHECK_SECONDS)

    async def _deploy(self, wanted: deploy.Desired) -> None:
        old = self.status
        status = self._said(LabPhase.DEPLOYING, "deploying", valid=True).model_copy(
            update={
                "namespaces": LabNamespaces(lab=lab_namespace(self.name), harness=harness_namespace(self.name)),
                "deployed": None,
            }
        )
        status = self._with(status, "Ready", "False", "Deploying", "what was asked for is being deployed")
        await self._write(self._with(status, "CodeRejected", "False", "NotYetKnown", ""))
        await deploy.install(self._api, self._helm, self.name, wanted)
        self._since = time.monotonic()
        text = f"{wanted.code.configmap} ({wanted.code.variant}), values {wanted.digest}"
        status = self._with(self.status, "Deployed", "True", "Installed", text)
        await self._write(
            status.model_copy(
                update={
                    "deployed": wanted.digest,
                    "code": wanted.graded,
                    "code_config_map": wanted.code.configmap,
                    "message": "waiting for pods",
                }
            )
        )
        await self._tell("Upgraded" if old.deployed else "Deployed", text)

    async def _watch(self, wanted: deploy.Desired, wish: tuple[Any, ...], during_run: float = CHECK_SECONDS) -> float:
        self._coming_up = None
        late = await self._api.tighten(self.name, self._speed.scale)
        if self.busy and holds(self.status, "Ready"):
            return during_run
        found_now = await readiness.workloads(self._api, self.name)
        if not found_now:
            # Somebody uninstalled it.
            self.status = self.status.model_copy(update={"deployed": None})
            return POLL_SECONDS
        missing = readiness.all_late(found_now) + late
        if not missing:
            await self._ready(wanted)
            return CHECK_SECONDS
        await self._not_ready(wanted, missing, await self._problems())
        if self._waited() >= PATIENCE_SECONDS:
            return CHECK_SECONDS
        self._coming_up = wanted, wish
        return POLL_SECONDS

    async def _problems(self) -> list[Problem]:
        """Why it is not up; the events and logs behind that are not asked for at each look."""
        if time.monotonic() - self._looked >= PROBLEMS_SECONDS:
            self._found = await self._api.lab_problems(self.name)
            self._looked = time.monotonic()
        return self._found

    async def _ready(self, wanted: deploy.Desired) -> None:
        new = not holds(self.status, "Ready")
        status = self._said(LabPhase.READY, "", valid=True).model_copy(update={"code": wanted.graded})
        status = self._with(status, "CodeRejected", "False", "Serving", wanted.code.configmap)
        await self._write(self._with(status, "Ready", "True", "AllAvailable", "every pod is available"))
        self._served = wanted.code.configmap
        if new:
            await self._tell("Ready", f"{wanted.code.configmap} ({wanted.code.variant}) serves")
            await code.remove_others(self._api, lab_namespace(self.name), wanted.code.configmap)

    async def _not_ready(self, wanted: deploy.Desired, missing: list[str], found: list[Problem]) -> None:
        if holds(self.status, "Ready"):
            self._since = time.monotonic()
        # Pods of another version, on their way out or remembered from the last look, say nothing about this one.
        found = [each for each in found if each.digest in ("", wanted.code.digest)]
        fatal = [each for each in found if each.fatal]
        failed = self._waited() > (FATAL_SECONDS if fatal else PATIENCE_SECONDS)
        text = _why(missing, found if failed else fatal)
        status = self._said(LabPhase.FAILED if failed else LabPhase.DEPLOYING, text, valid=True)
        status = self._with(status, "Ready", "False", "NotAvailable", text)
        crash = next((each for each in fatal if each.log and _is_app(each, self.scenario)), None)
        # At first the app may end a few times because its data stores are not there yet: that is no verdict on it.
        if crash and (self._served or failed):
            text = f"{wanted.code.configmap} does not start: {crash.where}\n{crash.log}"
            if self._served:
                text = f"{text}\nThe pods of {self._served} keep serving."
            status = self._with(status, "CodeRejected", "True", "DoesNotStart", text)
            if not holds(self.status, "CodeRejected"):
                await self._tell("CodeRejected", text, warning=True)
        if failed and self.status.phase is not LabPhase.FAILED:
            await self._tell("NotReady", text, warning=True)
        await self._write(status)

    async def _suspend(self) -> None:
        generation = self.scenario["metadata"]["generation"]
        if self.status.phase is LabPhase.SUSPENDED and self.status.observed_generation == generation:
            return
        if self.status.namespaces is not None:
            await self._helm.uninstall(harness_namespace(self.name))
        status = self._said(LabPhase.SUSPENDED, "spec.suspend is true", valid=True)
        status = self._with(status, "Ready", "False", "Suspended", "spec.suspend is true")
        await self._write(status.model_copy(update={"deployed": None, "code": None, "code_config_map": None}))
        await self._tell("Suspended", "the lab is uninstalled")

    async def _refuse(self, error: InvalidInput) -> None:
        status = self._said(LabPhase.FAILED, error.message)
        known = condition(self.status, "Valid")
        if known is None or known.message != error.message:
            await self._tell("Invalid", error.message, warning=True)
        status = self._with(status, "Valid", "False", "Invalid", error.message)
        await self._write(self._with(status, "Ready", "False", "Invalid", error.message))

    async def _trouble(self, message: str) -> None:
        log.warning("lab %s: %s", self.name, message)
        status = self._with(self._said(LabPhase.FAILED, message), "Ready", "False", "Trouble", message)
        if not holds(self.status, "Deployed"):
            status = self._with(status, "Deployed", "False", "Trouble", message)
        if message != self.status.message:
            await self._tell("Trouble", message, warning=True)
        await self._write(status)

    def _waited(self) -> float:
        return time.monotonic() - self._since

    def _said(self, phase: LabPhase, message: str, *, valid: bool = False) -> ScenarioStatus:
        generation = self.scenario["metadata"]["generation"]
        update: dict[str, Any] = {"phase": phase, "message": message[:500], "observed_generation": generation}
        status = self.status.model_copy(update=update)
        return self._with(status, "Valid", "True", "Valid", "") if valid else status

    def _with(self, status: ScenarioStatus, kind: str, truth: Any, reason: str, message: str) -> ScenarioStatus:
        return with_condition(status, kind, truth, reason, message, self.scenario["metadata"]["generation"])

    async def _write(self, status: ScenarioStatus) -> None:
        if patch := difference(self.status, status):
            try:
                await self._api.patch(path("Scenario", self.name) + "/status", {"status": patch})
            except Unreachable as error:
                # Told again at the next look, which compares with what was written last.
                log.warning("status of %s was not written: %s", self.name, error.message)
                return
        self.status = status

    async def _tell(self, reason: str, message: str, *, warning: bool = False) -> None:
        await self._api.event(self.scenario, reason, message, "Warning" if warning else "Normal")


def _wish(scenario: Json) -> tuple[Any, ...]:
    """What a person asked for: the spec's generation and our annotations (the code, a refreshed catalogue)."""
    annotations = scenario["metadata"].get("annotations") or {}
    ours = sorted((key, value) for key, value in annotations.items() if key.startswith("faultline.dev/"))
    return scenario["metadata"].get("uid"), scenario["metadata"].get("generation"), tuple(ours)


def _why(missing: list[str], found: list[Problem]) -> str:
    text = f"waiting for {'; '.join(missing)}"
    return "; ".join(str(each) for each in found[:3]) + f" ({text})" if found else text


def _is_app(problem: Problem, scenario: Json) -> bool:
    """Whether it is about the learner's code, whose pods are named after their service."""
    names = [each["name"] for each in scenario["spec"]["app"]["services"] if not each.get("shared")]
    return any(problem.where.startswith(f"pod/{name}-") for name in names)


class Labs:
    """All labs by name. Nothing is done before `start`: this process may not hold the Lease yet."""

    def __init__(self, api: Api, helm: Helm, images: Mapping[str, str]) -> None:
        self._api = api
        self._helm = helm
        self._images = images
        self._chart = deploy.chart_digest(helm.chart)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started = False
        self.speed = Speed()
        self.known: dict[str, Lab] = {}

    def see(self, scenario: Json) -> None:
        """A Scenario is there, or has changed."""
        name = scenario["metadata"]["name"]
        lab = self.known.get(name)
        if lab and lab.scenario["metadata"]["uid"] == scenario["metadata"]["uid"]:
            lab.see(scenario)
            return
        self.gone(name)
        self.known[name] = Lab(self._api, self._helm, self._images, self._chart, self.speed, scenario)
        if self._started:
            self._begin(name)

    def gone(self, name: str) -> None:
        """A Scenario was deleted; its namespaces go by themselves."""
        self.known.pop(name, None)
        if task := self._tasks.pop(name, None):
            task.cancel()

    def start(self) -> None:
        """This process holds the Lease: begin."""
        self._started = True
        for name in self.known:
            self._begin(name)

    def stop(self) -> None:
        """The operator ends; labs stay as they are."""
        for task in self._tasks.values():
            task.cancel()

    def _begin(self, name: str) -> None:
        self._tasks[name] = asyncio.create_task(self.known[name].keep(), name=f"lab {name}")
