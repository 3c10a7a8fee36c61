"""Faults on the clock of pods: for services that read the time from the library that they share (`labkit.clock`)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

from pydantic import Field, model_validator

from faultline.api.base import Slug
from faultline.faults.base.fault import Family, FeltFault, Target

FELT_SECONDS = 0.05
"""Below this a clock counts as right: an answer is on its way for a while, and nodes differ by milliseconds."""


class ClockTarget(Target, Protocol):
    """The pods of a service, and their clocks. A pod that is gone counts as reverted."""

    async def choose(self, service: str, count: int | None, percent: float | None) -> dict[str, str]:
        """Choose pods by the seed: addresses by name. Raises NotFound (FL223) when none runs."""

    async def shift(self, pods: Mapping[str, str], offset: float, rate: float) -> None:
        """Shift their clocks from now on, and keep doing so until `unshift`."""

    async def unshift(self, pods: Mapping[str, str]) -> None:
        """Let them be right again; right already counts as done."""

    async def ahead(self, pods: Mapping[str, str]) -> list[float]:
        """By how many seconds each of these pods' clocks is ahead of the injector's; those that answer."""


class ClockFault(FeltFault):
    """A fault on the clocks of one, some or a percentage of a service's pods, chosen by the run's seed."""

    family: ClassVar[Family] = "clock"
    service_fields: ClassVar[tuple[str, ...]] = ("service",)
    outlives_injector: ClassVar[bool] = True

    service: Slug = Field(description="whose pods")
    pods: int | None = Field(
        None, ge=1, le=10, description="how many of its pods; all when percent is not given either"
    )
    percent: int | None = Field(None, ge=1, le=100, description="how many of its pods in 100, rounded up")

    @model_validator(mode="after")
    def _pods_or_percent(self) -> Self:
        if self.pods is not None and self.percent is not None:
            raise ValueError(f"must have pods or percent, not both, got {self.pods} and {self.percent}")
        return self

    @abstractmethod
    def shift(self) -> tuple[float, float]:
        """Seconds ahead at once, and how many times as fast the clock runs."""

    async def apply(self, target: Any) -> None:
        """Choose pods, put them on record, shift their clocks at the moment."""
        if not target.state:
            percent = 100 if self.pods is None and self.percent is None else self.percent
            chosen = await target.choose(self.service, self.pods, percent)
            target.hit(list(chosen))
            await target.intend(pods=chosen)
        await target.due()
        await target.shift(target.state["pods"], *self.shift())

    async def revert(self, target: Any) -> None:
        """Their clocks are right again, which is a step back."""
        await target.unshift(target.state.get("pods", {}))

    async def felt(self, target: Any) -> float | None:
        """The seconds by which the pods' clocks are off, as they answer over HTTP: that of the one that is most off."""
        pods = target.state.get("pods")
        if not pods:
            return None
        found = [abs(each) for each in await target.ahead(pods)]
        if not found:
            return None
        return max(found) if max(found) > FELT_SECONDS else 0.0
