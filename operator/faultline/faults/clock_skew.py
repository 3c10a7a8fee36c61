"""A clock that runs fast or slow."""

from __future__ import annotations

from pydantic import Field, field_validator

from faultline.faults.base import ClockFault


class ClockSkew(ClockFault):
    """The clocks of pods run at `rate` times the speed, so that they are further off with each second.

    At the end they are right again at once.
    """

    rate: float = Field(ge=0, le=10, description="1.2 gains a second in five, 0.5 loses every other, 0 stands still")

    @field_validator("rate")
    @classmethod
    def _off(cls, rate: float) -> float:
        if abs(rate - 1) < 0.05:
            raise ValueError(f"must differ from 1 by 0.05 or more, or nobody can tell, got {rate}")
        return rate

    def shift(self) -> tuple[float, float]:
        """A rate."""
        return 0.0, self.rate
