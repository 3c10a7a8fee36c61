"""An edge that keeps going bad and good again: breakers, retries and pools have to live with both."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import EdgeFault, EdgeTarget, Sample, Toxic
from faultline.faults.blackhole import Blackhole
from faultline.faults.latency import Latency
from faultline.faults.partition import Partition
from faultline.faults.reset import Reset

MIN_PERIOD_SECONDS = 0.2


class Flapping(EdgeFault):
    """Another state of the edge, on for `duty` of each `period` and off for the rest, beginning with on."""

    state: Literal["partition", "latency", "reset", "blackhole"] = Field("partition", description="what comes and goes")
    period: PositiveDuration = Field("2s", description="from one beginning to the next, 200ms or more")
    duty: float = Field(0.5, ge=0.05, le=0.95, description="the share of a period in which it is on")
    delay: PositiveDuration = Field("1s", description="how late replies are, for the state latency")

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if seconds(self.period) < MIN_PERIOD_SECONDS:
            raise ValueError(f"period must be at least 200ms, got {self.period}")
        return self

    def windows(self, length: float) -> list[tuple[float, float]]:
        """One a period; the last is cut off with the fault."""
        period = seconds(self.period)
        starts = [index * period for index in range(int(length / period) + 1) if index * period < length]
        return [(start, min(start + period * self.duty, length)) for start in starts]

    def toxics(self) -> dict[str, Toxic]:
        """Those of its state."""
        return self._state().toxics()

    async def apply(self, target: EdgeTarget) -> None:
        """Into its state."""
        await self._state().apply(target)

    async def revert(self, target: EdgeTarget) -> None:
        """Out of it."""
        await self._state().revert(target)

    def effect(self, sample: Sample, usual: float) -> bool:
        """As its state."""
        return self._state().effect(sample, usual)

    def measure(self, sample: Sample, usual: float) -> float:
        """As its state, over the times on and off."""
        return self._state().measure(sample, usual)

    def _state(self) -> EdgeFault:
        if self.state == "latency":
            return Latency(delay=self.delay)
        states: dict[str, type[EdgeFault]] = {"partition": Partition, "reset": Reset, "blackhole": Blackhole}
        return states[self.state]()
