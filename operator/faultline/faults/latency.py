"""Replies on an edge arrive late."""

from __future__ import annotations

from pydantic import Field

from faultline.api.base import Duration, PositiveDuration, seconds
from faultline.faults.base import EdgeFault, Sample, Toxic


class Latency(EdgeFault):
    """Delays what the dependency sends by `delay`, plus or minus `jitter` (uniform)."""

    delay: PositiveDuration = Field(description="added to each reply")
    jitter: Duration = Field("0s", description="uniform spread around the delay")

    def toxics(self) -> dict[str, Toxic]:
        """One latency toxic on the replies; milliseconds."""
        attributes = {"latency": round(seconds(self.delay) * 1000), "jitter": round(seconds(self.jitter) * 1000)}
        return {"latency": Toxic(type="latency", stream="downstream", attributes=attributes)}

    def effect(self, sample: Sample, usual: float) -> bool:
        """Later by half of the delay, or by half a second, where a probe would not wait for the whole of it."""
        return self.measure(sample, usual) >= min(seconds(self.delay) / 2, 0.5)

    def measure(self, sample: Sample, usual: float) -> float:
        """Seconds added."""
        return sample.seconds - usual
