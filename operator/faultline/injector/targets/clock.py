"""The clocks of pods as faults on them act on them: over HTTP, by the library that the lab's services share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp

from faultline.api.app import SERVICE_PORT
from faultline.errors import NotFound, Unreachable
from faultline.faults.base import choose
from faultline.injector.clock import Clock
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record
from faultline.injector.targets.base import HOLD_SECONDS, KeptTarget
from faultline.injector.targets.pod import Pods

log = logging.getLogger(__name__)

CALL_SECONDS = 0.8

Addresses = Mapping[str, str]
"""HOST:PORT by the pod's name."""


class ClockTarget(KeptTarget):
    """The clocks that one fault shifts."""

    def __init__(self, pods: Pods, planned: PlannedFault, record: Record, clock: Clock, ended: asyncio.Event) -> None:
        super().__init__(planned, record, clock, ended)
        self._pods = pods
        self._start = planned.start
        self._session: aiohttp.ClientSession | None = None

    async def choose(self, service: str, count: int | None, percent: float | None) -> dict[str, str]:
        """Choose by the seed among the pods that run, the oldest first. Raises NotFound (FL223), Unreachable."""
        found = [each for each in await self._pods.running(service) if each["status"].get("podIP")]
        if not found:
            raise NotFound("FL223", f"no pod of {service} runs", "give the service replicas")
        chosen = choose(found, self.random, count=count, percent=percent)
        return {each["metadata"]["name"]: f"{each['status']['podIP']}:{SERVICE_PORT}" for each in chosen}

    async def shift(self, pods: Addresses, offset: float, rate: float) -> None:
        """Shift their clocks and renew that. Raises Unreachable (FL626) when one cannot be shifted."""
        for pod, answer in zip(pods, await self._shift(pods, offset, rate), strict=True):
            if isinstance(answer, BaseException):
                raise Unreachable("FL626", f"the clock of {pod} was not shifted: {answer!r}") from answer
        self.done = self._clock.now()
        self._keep(lambda: self._shift_again(pods, offset, rate))

    async def unshift(self, pods: Addresses) -> None:
        """Let them be right; one that does not answer is so by itself when nobody renews its shift."""
        self._let_go()
        answers = await asyncio.gather(
            *(self._call("DELETE", address, f"/{self.fault}") for address in pods.values()), return_exceptions=True
        )
        silent = [pod for pod, answer in zip(pods, answers, strict=True) if isinstance(answer, BaseException)]
        if silent and self._clock.now() < self._until:
            raise Unreachable("FL626", f"the clocks of {', '.join(silent)} do not answer")

    async def ahead(self, pods: Addresses) -> list[float]:
        """Of those that answer."""
        found = await asyncio.gather(*(self._ahead(each) for each in pods.values()), return_exceptions=True)
        return [each for each in found if not isinstance(each, BaseException)]

    async def close(self) -> None:
        """Give back connections."""
        await super().close()
        if self._session:
            await self._session.close()

    async def _ahead(self, address: str) -> float:
        asked = self._clock.now()
        answer = await self._call("GET", address)
        return float(answer["now"]) - (asked + self._clock.now()) / 2

    async def _shift(self, pods: Addresses, offset: float, rate: float) -> list[Any]:
        elapsed = max(0.0, self._clock.now() - self._start)
        body = {"name": self.fault, "offset": offset, "rate": rate, "elapsed": elapsed, "seconds": HOLD_SECONDS}
        calls = (self._call("PUT", address, "", body) for address in pods.values())
        answers = await asyncio.gather(*calls, return_exceptions=True)
        self._until = self._clock.now() + HOLD_SECONDS
        return answers

    async def _shift_again(self, pods: Addresses, offset: float, rate: float) -> None:
        for pod, answer in zip(pods, await self._shift(pods, offset, rate), strict=True):
            if isinstance(answer, BaseException):
                # It is gone, or answers the next time; one that is off for long shows in the depth.
                log.info("the clock of %s was not renewed: %r", pod, answer)

    async def _call(self, method: str, address: str, more: str = "", body: Any = None) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=CALL_SECONDS), raise_for_status=True
            )
        async with self._session.request(method, f"http://{address}/faultline/clock{more}", json=body) as answer:
            return await answer.json()
