"""An edge carries only so many bytes a second."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from faultline.faults.base import Direction, EdgeFault, Sample, Toxic, streams


class Bandwidth(EdgeFault):
    """Limits each connection to `rate`: large messages take long, small ones hardly notice."""

    question: ClassVar[Literal["plain", "bulk", "closing"]] = "bulk"

    rate: int = Field(ge=1, le=1000, description="KB/s (1,000 bytes), for each connection and direction")
    direction: Direction = Field("both", description="which way is narrow")

    def toxics(self) -> dict[str, Toxic]:
        """One `bandwidth` toxic a direction."""
        return {
            stream: Toxic(type="bandwidth", stream=stream, attributes={"rate": self.rate})
            for stream in streams(self.direction)
        }

    def effect(self, sample: Sample, usual: float) -> bool:
        """Later by half of what its bytes take at this rate, or half a second."""
        heaviest = max(
            sample.sent_bytes if self.direction != "replies" else 0,
            sample.received_bytes if self.direction != "requests" else 0,
        )
        if sample.unanswered:
            return sample.seconds - usual >= 0.5
        return heaviest > 0 and sample.seconds - usual >= min(heaviest / (self.rate * 1000) / 2, 0.5)

    def measure(self, sample: Sample, usual: float) -> float:
        """Seconds added."""
        return sample.seconds - usual
