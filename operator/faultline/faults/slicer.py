"""Replies arrive in small pieces with pauses, as over a bad line: code that takes one read for one message breaks."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import Direction, EdgeFault, Sample, Toxic, streams


class Slicer(EdgeFault):
    """Cuts what passes into pieces of about `size` and pauses for `delay` after each."""

    question: ClassVar[Literal["plain", "bulk", "closing"]] = "bulk"

    size: int = Field(64, ge=1, le=4096, description="bytes of a piece, on average")
    variation: int = Field(0, ge=0, le=4095, description="how many bytes more or less a piece may have")
    delay: PositiveDuration = Field("10ms", description="pause after each piece")
    direction: Direction = Field("replies", description="which way is sliced")

    @model_validator(mode="after")
    def _pieces(self) -> Self:
        if self.variation >= self.size:
            raise ValueError(f"variation must be below size {self.size}, got {self.variation}")
        return self

    def toxics(self) -> dict[str, Toxic]:
        """One `slicer` toxic a direction; its delay is in microseconds."""
        attributes = {
            "average_size": self.size,
            "size_variation": self.variation,
            "delay": round(seconds(self.delay) * 1_000_000),
        }
        return {
            stream: Toxic(type="slicer", stream=stream, attributes=attributes) for stream in streams(self.direction)
        }

    def effect(self, sample: Sample, usual: float) -> bool:
        """Later by half a pause at least, which takes two pieces; the probe asks for many."""
        return self.measure(sample, usual) >= min(seconds(self.delay) / 2, 0.5)

    def measure(self, sample: Sample, usual: float) -> float:
        """Seconds added."""
        return sample.seconds - usual
