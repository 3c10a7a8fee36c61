"""A dependency's end of a connection comes late: whoever waits for it to close waits."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import EdgeFault, Sample, Toxic


class SlowClose(EdgeFault):
    """Data flows as always; the closing of a connection reaches the client `delay` late."""

    question: ClassVar[Literal["plain", "bulk", "closing"]] = "closing"

    delay: PositiveDuration = Field(description="from the dependency's closing to the client's seeing it")

    def toxics(self) -> dict[str, Toxic]:
        """One `slow_close` toxic on the replies."""
        attributes = {"delay": round(seconds(self.delay) * 1000)}
        return {"close": Toxic(type="slow_close", stream="downstream", attributes=attributes)}

    def effect(self, sample: Sample, usual: float) -> bool:
        """The end comes later by half of the delay, or by half a second."""
        return self.measure(sample, usual) >= min(seconds(self.delay) / 2, 0.5)

    def measure(self, sample: Sample, usual: float) -> float:
        """Seconds added."""
        return sample.seconds - usual
