"""Pods die again and again: what a crash costs is paid at each, and an app that starts slowly is never whole."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import PodTarget, SomePods

MIN_EVERY_SECONDS = 2.0


class KillRepeatedly(SomePods):
    """Like `kill`, again every `every` until its end; each time pods are chosen anew of those that run."""

    replaces_pods: ClassVar[bool] = True
    clear_seconds: ClassVar[float] = 30.0

    every: PositiveDuration = Field("10s", description="from one kill to the next, 2s or more")

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if seconds(self.every) < MIN_EVERY_SECONDS:
            raise ValueError(f"every must be at least {MIN_EVERY_SECONDS:g}s, got {self.every}")
        return self

    def windows(self, length: float) -> list[tuple[float, float]]:
        """One for each kill; half as long as their distance, as the next kill has to be prepared."""
        every = seconds(self.every)
        starts = [index * every for index in range(int(length / every) + 1) if index * every < length]
        return [(start, min(start + every / 2, length)) for start in starts]

    async def apply(self, target: PodTarget) -> None:
        """The next kill. After a restart of the injector the last one may come twice."""
        done = int(target.state.get("kills", 0))
        wanted = target.state.get("wanted") or len(await target.running(self.service))
        pods = await target.take(self.service, self.pods, self.percent, skip=done)
        await target.intend(pods=pods, wanted=wanted, kills=done + 1)
        await target.agents(pods)
        await target.due()
        await target.tell(pods, "kill")
        await target.delete(pods)

    async def revert(self, target: PodTarget) -> None:
        """Nothing to undo."""
        await target.dismiss()

    async def felt(self, target: PodTarget) -> float | None:
        """The share of the service's pods that take no connection, by connecting to each."""
        if not target.state:
            return None
        return max(0.0, await target.missing(self.service, target.state["wanted"]))
