"""The Kubernetes API for coroutines: the blocking client in threads of the operator's own, and events."""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from faultline.api.base import API_VERSION
from faultline.clients.kube import Json, Kube, path
from faultline.errors import FaultlineError, NotReady, Unreachable
from faultline.lab import Problem, problems, tighten

T = TypeVar("T")
log = logging.getLogger(__name__)

THREADS = 12
EVENT_LENGTH = 1000
"""Of an event's message; the API server takes 1024 bytes."""
AWAY_SECONDS = 60.0
"""How long an API server that is away is waited for; an operator that leads no more has ended long before."""
AGAIN_SECONDS = 1.0


def now_text() -> str:
    """The present as the API server writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while the API server is away, or only coming back: until it knows its rules it refuses all.

    For what is lost when it is not written, as the end of a run is. Raises the last error after AWAY_SECONDS.
    """
    deadline = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return await ask()
        except (Unreachable, NotReady) as error:
            if time.monotonic() > deadline:
                raise
            log.warning("asking again in %g s: %s", AGAIN_SECONDS, error.message)
        await asyncio.sleep(AGAIN_SECONDS)


class Api:
    """Like Kube, awaitable. All calls are bounded by the client's time-outs."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="kube")

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def get(self, where: str) -> Json | None:
        """An object, or None."""
        return await self._in_thread(lambda: self._kube.get(where))

    async def items(self, where: str, labels: str = "") -> list[Json]:
        """The objects of a list."""
        return await self._in_thread(lambda: self._kube.items(where, labels))

    async def create(self, where: str, body: Json) -> Json:
        """Raises Conflict (FL404) when the name is taken."""
        return await self._in_thread(lambda: self._kube.create(where, body))

    async def replace(self, where: str, body: Json) -> Json:
        """Raises Conflict (FL404) when it changed meanwhile."""
        return await self._in_thread(lambda: self._kube.replace(where, body))

    async def apply(self, where: str, body: Json) -> Json:
        """Server-side apply."""
        return await self._in_thread(lambda: self._kube.apply(where, body))

    async def patch(self, where: str, body: Json) -> Json:
        """JSON merge patch."""
        return await self._in_thread(lambda: self._kube.patch(where, body))

    async def set_status(self, where: str, status: Json) -> Json:
        """Replace the whole status."""
        return await self._in_thread(lambda: self._kube.set_status(where, status))

    async def delete(self, where: str) -> bool:
        """False when it was not there."""
        return await self._in_thread(lambda: self._kube.delete(where))

    async def lab_problems(self, scenario: str) -> list[Problem]:
        """Why a lab is not Ready, worst first."""
        return await self._in_thread(lambda: problems(self._kube, scenario))

    async def allowed(self, verb: str, resource: str, namespace: str) -> bool:
        """Whether this operator may do that, as the API server sees it now."""
        asked = {"verb": verb, "resource": resource, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        answer = await self.create(path("SelfSubjectAccessReview"), review)
        return bool(answer["status"]["allowed"])

    async def tighten(self, scenario: str, scale: float) -> list[str]:
        """Give each Ready pod of the lab its own CPU limit, times `scale`; what is not in force yet, in words."""
        return await self._in_thread(lambda: tighten(self._kube, scenario, scale))

    async def event(
        self, about: Json, reason: str, message: str, kind: Literal["Normal", "Warning"] = "Normal"
    ) -> None:
        """Tell `kubectl describe`. What cannot be told is no reason to stop: events are for people only."""
        meta, stamp = about["metadata"], now_text()
        body: dict[str, Any] = {
            "metadata": {"generateName": f"{meta['name']}.", "namespace": "default"},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": about["kind"],
                "name": meta["name"],
                "uid": meta.get("uid"),
            },
            "type": kind,
            "reason": reason,
            "message": message[:EVENT_LENGTH],
            "source": {"component": "faultline"},
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        try:
            await self.create(path("Event", namespace="default"), body)
        except FaultlineError as error:
            log.warning("event %s about %s was not written: %s", reason, meta["name"], error.message)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
