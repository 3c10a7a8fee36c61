"""A clock that jumps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import ClockFault


class ClockStep(ClockFault):
    """The clocks of pods are `by` ahead or behind, from one moment to the next, and jump back at the end."""

    by: PositiveDuration = Field(description="how far; 100ms at least can be felt")
    direction: Literal["forward", "back"] = Field("back", description="back: the past comes again")

    def shift(self) -> tuple[float, float]:
        """An offset."""
        return seconds(self.by) * (1 if self.direction == "forward" else -1), 1.0
