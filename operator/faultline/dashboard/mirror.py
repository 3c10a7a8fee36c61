"""What the cluster holds, kept up to date by watches: nobody who looks costs the API server a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from faultline.api.base import API_VERSION
from faultline.catalogue import CONFIGMAPS, LABEL_LESSON
from faultline.clients.kube_objects import Json
from faultline.clients.kube_stream import KubeStream
from faultline.names import LABEL_SCENARIO

LISTS = {
    "scenarios": (f"/apis/{API_VERSION}/scenarios", ""),
    "runs": (f"/apis/{API_VERSION}/runs", ""),
    "pods": ("/api/v1/pods", LABEL_SCENARIO),
    "lessons": (CONFIGMAPS, LABEL_LESSON),
}
Listener = Callable[[str, str], None]
"""Told the kind that changed and the scenario (for lessons: the slug) that it belongs to; empty for any."""


class Mirror:
    """The objects by kind and name. `seen` says of which kinds the list has come."""

    def __init__(self, kube: KubeStream) -> None:
        self._kube = kube
        self._objects: dict[str, dict[str, Json]] = {kind: {} for kind in LISTS}
        self._listeners: list[Listener] = []
        self.seen: set[str] = set()

    async def run(self) -> None:
        """Follow the cluster until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for kind in LISTS:
                tasks.create_task(self._follow(kind))

    def listen(self, listener: Listener) -> None:
        """Call `listener` after each change."""
        self._listeners.append(listener)

    @property
    def complete(self) -> bool:
        """Whether every list has come."""
        return self.seen == set(LISTS)

    async def _follow(self, kind: str) -> None:
        where, labels = LISTS[kind]
        objects = self._objects[kind]
        async for event, found in self._kube.watch(where, labels):
            if event == "LIST":
                objects.clear()
                objects.update({_key(each): each for each in found["items"]})
                self.seen.add(kind)
                self._tell(kind, "")
                continue
            if event == "DELETED":
                objects.pop(_key(found), None)
            else:
                objects[_key(found)] = found
            self._tell(kind, _scenario(kind, found))

    def _tell(self, kind: str, scenario: str) -> None:
        for listener in self._listeners:
            listener(kind, scenario)

    @property
    def scenarios(self) -> list[Json]:
        """Scenario objects by name."""
        return [each for _, each in sorted(self._objects["scenarios"].items())]

    def scenario(self, name: str) -> Json | None:
        """One Scenario object."""
        return self._objects["scenarios"].get(f"/{name}")

    @property
    def lessons(self) -> list[Json]:
        """The ConfigMaps with lessons."""
        return list(self._objects["lessons"].values())

    def runs(self, scenario: str = "") -> list[Json]:
        """The Runs of a Scenario object, or all, oldest first."""
        found = [each for each in self._objects["runs"].values() if not scenario or _of(each) == scenario]
        return sorted(found, key=lambda each: (each["metadata"].get("creationTimestamp", ""), each["metadata"]["name"]))

    def pods(self, scenario: str) -> list[Json]:
        """The pods of a lab and of its harness."""
        found = [each for each in self._objects["pods"].values() if _label(each) == scenario]
        return sorted(found, key=lambda each: str(each["metadata"]["name"]))


def _key(found: Json) -> str:
    meta = found["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}" if "namespace" in meta else f"/{meta['name']}"


def _label(found: Json) -> str:
    return str((found["metadata"].get("labels") or {}).get(LABEL_SCENARIO, ""))


def _of(run: Json) -> str:
    spec: dict[str, Any] = run.get("spec") or {}
    return str(spec.get("scenario", ""))


def _scenario(kind: str, found: Json) -> str:
    if kind == "pods":
        return _label(found)
    if kind == "runs":
        return _of(found)
    if kind == "lessons":
        return str((found["metadata"].get("labels") or {}).get(LABEL_LESSON, ""))
    return str(found["metadata"]["name"])
