"""What the buttons do: each is a change of an object in the cluster, and the operator does the rest."""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from typing import Any

from faultline import hints
from faultline.api.base import API_VERSION
from faultline.api.run import Phase
from faultline.clients.kube_objects import Json
from faultline.clients.kube_stream import KubeStream
from faultline.clients.prometheus import Prometheus
from faultline.dashboard import markdown, state
from faultline.dashboard.lessons import Entry, Lessons
from faultline.dashboard.mirror import Mirror
from faultline.dashboard.record import Record
from faultline.errors import Conflict, FaultlineError, NotFound
from faultline.manifests import applied, new_run, three_way
from faultline.progress import Progress

SCENARIOS = f"/apis/{API_VERSION}/scenarios"
RUNS = f"/apis/{API_VERSION}/runs"

log = logging.getLogger(__name__)


class Actions:
    """The verbs of a scenario's page. Each raises what the API server's refusal means."""

    def __init__(
        self, kube: KubeStream, prometheus: Prometheus, mirror: Mirror, lessons: Lessons, record: Record
    ) -> None:
        self._kube = kube
        self._prometheus = prometheus
        self._mirror = mirror
        self._lessons = lessons
        self._record = record

    async def apply(self, slug: str) -> dict[str, Any]:
        """Deploy the lab, as `kubectl apply` would; code that is in force stays so."""
        entry = self._lessons.get(slug)
        manifest = copy.deepcopy(entry.manifest)
        name = str(manifest["metadata"]["name"])
        live = await self._kube.get(f"{SCENARIOS}/{name}")
        if live is None:
            await self._kube.create(SCENARIOS, applied(manifest))
        else:
            await self._kube.patch(f"{SCENARIOS}/{name}", three_way(live, manifest))
        if name == slug:
            await self._record.change(lambda progress: _start(progress, slug))
        return {"said": f"{name} is being deployed"}

    async def chaos(self, lab: str) -> dict[str, Any]:
        """Start a run; it queues behind those that are under way."""
        run = await self._new_run(lab)
        return {"run": run, "said": f"{run} is queued"}

    async def stop(self, lab: str) -> dict[str, Any]:
        """End the runs of a lab that are not done. The operator ends their faults; without it their lease runs out."""
        await self._scenario(lab)
        gone = []
        for run in await self._kube.items(RUNS):
            if run["spec"]["scenario"] == lab and state.status_of(run).phase is not Phase.DONE:
                name = str(run["metadata"]["name"])
                if await self._kube.delete(f"{RUNS}/{name}"):
                    gone.append(name)
        return {"runs": gone, "said": f"stopped {', '.join(gone)}" if gone else "no run was under way"}

    async def grade(self, lab: str) -> dict[str, Any]:
        """The newest run of what is deployed; started when there is none."""
        digest = ((await self._scenario(lab)).get("status") or {}).get("code", {}).get("digest")
        for raw in reversed(self._mirror.runs(lab)):
            status, name = state.status_of(raw), str(raw["metadata"]["name"])
            if status.phase is not Phase.DONE:
                return {"run": name, "done": False, "said": f"{name} is under way; its score comes when it is done"}
            if status.code and status.code.digest == digest:
                return {"run": name, "done": True, "said": f"{name}: {status.verdict}"}
        run = await self._new_run(lab)
        return {"run": run, "done": False, "said": f"there was no run of what is deployed: {run} is queued"}

    async def hint(self, slug: str) -> dict[str, Any]:
        """Reveal the next rung, on record."""
        entry = self._lessons.get(slug)
        if not entry.rungs:
            raise NotFound("FL211", f"{slug} has no hints", "read the lesson")
        record = (await self._record.read()).of(slug)
        hints.check_open(slug, entry.lesson.tier, record)
        fits = await self._fitting(slug, entry, hints.waiting(entry.rungs, record.hints))
        rung = await self._record.change(lambda progress: progress.next_hint(slug, len(entry.rungs), time.time(), fits))
        return {"hints": revealed(entry, {rung}), "rungs": len(entry.rungs)}

    async def _fitting(self, lab: str, entry: Entry, numbers: list[int]) -> list[int]:
        """Those of these rungs whose condition held in the newest run of what is deployed, up to now or to its end."""
        digest = ((self._mirror.scenario(lab) or {}).get("status") or {}).get("code", {}).get("digest")
        for raw in reversed(self._mirror.runs(lab)):
            status = state.status_of(raw)
            if status.phase is not Phase.DONE or (status.code and status.code.digest == digest):
                break
        else:
            return []
        if status.mark is None:
            return []
        end = status.ended or time.time()
        queries = [entry.rungs[each - 1].query(lab, end - status.mark) for each in numbers]
        try:
            found = await asyncio.gather(*(self._prometheus.instant(each, end) for each in queries))
        except FaultlineError as error:
            log.warning("hints of %s come in their order: %s", lab, error.message)
            return []
        return [number for number, samples in zip(numbers, found, strict=True) if samples]

    async def _scenario(self, lab: str) -> Json:
        found = await self._kube.get(f"{SCENARIOS}/{lab}")
        if found is None:
            raise NotFound("FL202", f"{lab} has no lab", "apply it first")
        return found

    async def _new_run(self, lab: str) -> str:
        scenario = await self._scenario(lab)
        for _ in range(3):
            try:
                return str((await self._kube.create(RUNS, new_run(scenario)))["metadata"]["name"])
            except Conflict:
                await asyncio.sleep(1)  # this second's name is taken
        raise Conflict("FL405", f"others keep starting runs of {lab}", "wait until they are done")


def _start(progress: Progress, slug: str) -> None:
    record = progress.of(slug)
    record.started = record.started or time.time()


def revealed(entry: Entry, rungs: set[int]) -> list[dict[str, Any]]:
    """These rungs, rendered."""
    return [
        {"rung": place, "title": each.title, "html": markdown.render(each.text).html}
        for place, each in enumerate(entry.rungs, start=1)
        if place in rungs
    ]
