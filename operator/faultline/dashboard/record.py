"""The learner's progress as the cluster has it: the ConfigMap `progress`, which the host's file is merged with."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from faultline.api.run import Phase
from faultline.catalogue import CONFIGMAPS
from faultline.clients.kube_stream import KubeStream
from faultline.dashboard import state
from faultline.dashboard.mirror import Mirror
from faultline.errors import Conflict, FaultlineError, NotReady
from faultline.names import LABEL_BY, PROGRESS_CONFIGMAP, PROGRESS_KEY
from faultline.progress import Attempt, Progress, from_cluster

WHERE = f"{CONFIGMAPS}/{PROGRESS_CONFIGMAP}"
TRIES = 8
FRESH_SECONDS = 1.0
T = TypeVar("T")

log = logging.getLogger(__name__)


class Record:
    """Reads and changes it. Every method raises what the API server's refusal means."""

    def __init__(self, kube: KubeStream) -> None:
        self._kube = kube
        self._read = (0.0, Progress())

    async def read(self) -> Progress:
        """What is on record, at most a second old."""
        at, known = self._read
        if time.monotonic() - at > FRESH_SECONDS:
            known = from_cluster(await self._kube.get(WHERE) or {})
            self._read = (time.monotonic(), known)
        return known

    async def change(self, how: Callable[[Progress], T]) -> T:
        """Let `how` change the record. Whoever else writes at the same time, neither is lost."""
        for _ in range(TRIES):
            found = await self._kube.get(WHERE)
            if found is None:
                raise NotReady("FL317", f"the ConfigMap {PROGRESS_CONFIGMAP} is missing", "make up")
            progress = from_cluster(found)
            before = progress.model_dump_json()
            result = how(progress)
            text = progress.model_dump_json()
            if text == before:
                return result
            try:
                await self._kube.replace(WHERE, {**found, "data": {PROGRESS_KEY: text}})
            except Conflict:
                await asyncio.sleep(0.05)
                continue
            self._read = (time.monotonic(), progress)
            return result
        raise Conflict("FL404", "the progress is being changed by others all the time", "try again")


class Keeper:
    """Counts each graded run of a learner's own lab as an attempt, whoever started it."""

    def __init__(self, mirror: Mirror, record: Record) -> None:
        self._mirror = mirror
        self._record = record
        self._kept: set[str] = set()
        self._changed = asyncio.Event()

    def changed(self, kind: str, scenario: str) -> None:
        """The mirror's news."""
        if kind == "runs":
            self._changed.set()

    async def run(self) -> None:
        """Keep what is new, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            new = self._new()
            if new:
                try:
                    await self._record.change(partial(_count, new))
                    self._kept |= {attempt.run for _, attempt in new}
                except FaultlineError as error:
                    log.warning("attempts are not on record yet: %s", error.message)
                    await asyncio.sleep(5)
                    self._changed.set()

    def _new(self) -> list[tuple[str, Attempt]]:
        found = []
        for raw in self._mirror.runs():
            name, scenario = str(raw["metadata"]["name"]), self._mirror.scenario(raw["spec"]["scenario"])
            if name in self._kept or scenario is None or not _is_own(scenario):
                continue
            status = state.status_of(raw)
            if status.phase is not Phase.DONE or not status.verdict or not status.ended:
                continue
            variant = status.code.variant if status.code else "unknown"
            attempt = Attempt(run=name, variant=variant, score=status.score, verdict=status.verdict, ended=status.ended)
            found.append((str(scenario["spec"]["slug"]), attempt))
        return found


def _count(attempts: list[tuple[str, Attempt]], progress: Progress) -> None:
    for slug, attempt in attempts:
        progress.attempt(slug, attempt)


def _is_own(scenario: dict[str, Any]) -> bool:
    """A learner's own lab: not one that demo or verify made, nor one beside the folder's name."""
    meta = scenario["metadata"]
    return LABEL_BY not in (meta.get("labels") or {}) and meta["name"] == scenario["spec"].get("slug")
