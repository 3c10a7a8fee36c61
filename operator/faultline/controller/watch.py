"""What goes on beside the phases of a run: the lease is renewed, faults are mirrored, and nothing may change.

Nothing here raises for what it finds: doubts are collected, and those that make going on pointless end the wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Collection

from faultline.api.run import STOPPED
from faultline.clients.http import Http
from faultline.clients.injector_api import Injector
from faultline.clients.kube import Json, path
from faultline.clients.loadgen_api import LoadGenerator
from faultline.controller import readiness
from faultline.controller.api import Api
from faultline.controller.record import Record
from faultline.controller.release import Release
from faultline.errors import FaultlineError, Unreachable
from faultline.names import ANNOTATION_CODE, ANNOTATION_FAULT, CODE_PORT, LABEL_PART, lab_namespace

log = logging.getLogger(__name__)

LEASE_SECONDS = 3.0
RENEW_SECONDS = 1.0
MIRROR_SECONDS = 1.0
CHANGES_SECONDS = 2.0


class Doubts:
    """Why the run may not be worth a verdict; `stop` ends it at once."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._over = asyncio.Event()

    def add(self, text: str) -> None:
        """Note it once."""
        if text not in self.found:
            log.warning("%s", text)
            self.found.append(text)

    def stop(self, text: str) -> None:
        """Note it, and let nobody wait for the rest of the run."""
        self.add(text)
        self._over.set()

    @property
    def over(self) -> bool:
        """Whether the run was stopped."""
        return self._over.is_set()

    async def wait_until(self, moment: float) -> bool:
        """Wait until `moment` (Unix seconds); False when the run was stopped before."""
        try:
            await asyncio.wait_for(self._over.wait(), max(0.0, moment - time.time()))
        except TimeoutError:
            return True
        return False


async def keep_lease(injector: Injector, run: str, doubts: Doubts) -> None:
    """Renew each second on the second: the faults end when the operator does not."""
    next_at = time.monotonic()
    renewed = next_at
    while True:
        next_at += RENEW_SECONDS
        try:
            if not await injector.renew(run):
                doubts.stop(await _why_lost(injector, run))
                return
            renewed = time.monotonic()
        except Unreachable as error:
            log.warning("lease of %s: %s", run, error.message)
            if time.monotonic() - renewed > LEASE_SECONDS:
                doubts.add(f"the injector did not answer for {LEASE_SECONDS:g} s, so the lease of the faults ran out")
        await asyncio.sleep(max(0.0, next_at - time.monotonic()))


async def _why_lost(injector: Injector, run: str) -> str:
    state = await injector.state()
    if state.run == run and state.stopped:
        return f"{STOPPED}: `make stop`, or an interrupted command, ended its faults early"
    return "the injector has lost the plan of this run: its faults were ended early"


async def mirror(injector: Injector, loadgen: LoadGenerator, record: Record, doubts: Doubts) -> None:
    """Bring the faults' times into the status as they happen, and see whether the generator still goes."""
    while True:
        await asyncio.sleep(MIRROR_SECONDS)
        try:
            state = await injector.state()
            if state.run == record.name:
                await record.faults(state.faults)
            load = await loadgen.state(record.name)
            if load.state == "failed":
                doubts.stop(f"the load generator failed: {load.error or 'it gave no reason'}")
        except Unreachable as error:
            # One miss is the next look's business; the lease and the final collection say when it matters.
            log.warning("run %s: %s", record.name, error.message)


class Deployed:
    """What a lab runs, which may not change during a run but for what faults on the pods of `replaced` do."""

    def __init__(self, api: Api, scenario: Json, replaced: Collection[str], release: Release) -> None:
        self._api = api
        self._scenario = scenario
        self._name = str(scenario["metadata"]["name"])
        self._replaced = replaced
        self._release = release
        self._before: frozenset[str] = frozenset()

    async def remember(self) -> None:
        """What there is now is what is graded."""
        self._before = await deployed(self._api, self._name, self._replaced)

    async def watch(self, doubts: Doubts) -> None:
        """Look again and again; a change stops the run."""
        while True:
            await asyncio.sleep(CHANGES_SECONDS)
            try:
                if found := await self._change():
                    doubts.stop(found)
            except FaultlineError as error:
                log.warning("watching %s: %s", self._name, error.message)

    async def look_again(self, doubts: Doubts) -> None:
        """A last look, when everything has been measured: a change since the one before, and code sent into pods."""
        if found := await self._change():
            doubts.add(found)
        await look_for_swaps(self._api, self._name, doubts)

    async def _change(self) -> str | None:
        """What has changed, in words."""
        now = await self._api.get(path("Scenario", self._name))
        if now is None or now["metadata"].get("deletionTimestamp"):
            return f"the Scenario {self._name} was deleted during the run"
        if now["metadata"]["generation"] != self._scenario["metadata"]["generation"]:
            return f"the Scenario {self._name} was changed during the run"
        if _code(now) != _code(self._scenario):
            return f"other code was sent into {self._name} during the run"
        if gone := self._before - await deployed(self._api, self._name, self._replaced):
            return f"what is deployed changed during the run: {', '.join(sorted(gone))}"
        if strangers := await self._release.strangers():
            return f"pods that are not the Scenario's came during the run: {', '.join(strangers)}"
        return None


async def look_for_swaps(api: Api, scenario: str, doubts: Doubts) -> None:
    """The pods of a run are new ones that serve the code they were made with; one that took other code since says so.

    A pod that does not answer was made anew, or is on its way: what its Deployment has is watched anyway.
    """
    pods = await api.items(path("Pod", namespace=lab_namespace(scenario)), f"{LABEL_PART}=app")

    async def look(name: str, address: str) -> None:
        async with Http(f"http://{address}:{CODE_PORT}") as supervisor:
            try:
                found = await supervisor.call("GET", "/code")
            except Unreachable as error:
                log.warning("the code in %s: %s", name, error.message)
                return
        if found["swaps"]:
            doubts.add(f"other code was sent into {name} during the run")

    addresses = {each["metadata"]["name"]: (each.get("status") or {}).get("podIP") for each in pods}
    await asyncio.gather(*(look(name, address) for name, address in addresses.items() if address))


def _code(scenario: Json) -> str | None:
    found: str | None = (scenario["metadata"].get("annotations") or {}).get(ANNOTATION_CODE)
    return found


async def deployed(api: Api, scenario: str, replaced: Collection[str] = ()) -> frozenset[str]:
    """What runs in a lab: workloads with their generation, and the pods of the app.

    The services `replaced` have faults by which pods come and go and Deployments change: of those it is what their
    Deployments are without the faults.
    """
    namespace, found = lab_namespace(scenario), set()
    for each in await readiness.workloads(api, scenario):
        meta, name = each["metadata"], f"{each['kind'].lower()}/{each['metadata']['name']}"
        if meta["name"] in replaced and meta.get("namespace", namespace) == namespace:
            found.add(f"{name} (specification {_specification(each)})")
        else:
            found.add(f"{name} (generation {meta['generation']})")
    for pod in await api.items(path("Pod", namespace=namespace), f"{LABEL_PART} in (app, shared)"):
        of_replaced = (pod["metadata"].get("labels") or {}).get("app") in replaced
        if not of_replaced and not pod["metadata"].get("deletionTimestamp"):
            found.add(f"pod/{pod['metadata']['name']}{_limits(pod)}")
    return frozenset(found)


def _limits(pod: Json) -> str:
    """Its containers' limits, as they are without the fault that has marked it."""
    mark = json.loads((pod["metadata"].get("annotations") or {}).get(ANNOTATION_FAULT, "{}"))
    found = [
        dict((each.get("resources") or {}).get("limits") or {}) for each in pod.get("spec", {}).get("containers", [])
    ]
    if found and "cpu" in mark:
        found[0]["cpu"] = mark["cpu"]
    parts = [f"{name} {value}" for each in found for name, value in sorted(each.items())]
    return f" ({', '.join(parts)})" if parts else ""


def _specification(workload: Json) -> str:
    """A digest of the specification as it is without the fault that has marked it."""
    spec = json.loads(json.dumps(workload["spec"]))
    mark = (workload["metadata"].get("annotations") or {}).get(ANNOTATION_FAULT)
    for operation in json.loads(mark)["undo"] if mark else []:
        *parents, last = operation["path"].removeprefix("/spec/").split("/")
        place = spec
        for each in parents:
            place = place[int(each)] if isinstance(place, list) else place[each]
        place[last] = operation["value"]
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:12]
