"""`spec.load` and `spec.phases`: how the lab is driven, and for how long."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faultline.api.base import Duration, Model, PositiveDuration, seconds

PHASES = ("baseline", "fault", "recovery", "drain")


class Stage(Model):
    """From `at` on (after the start of the baseline), `rate` arrivals per second.

    With `ramp` the rate is reached linearly, from the stage before on.
    """

    at: Duration = "0s"
    rate: float = Field(gt=0, le=2000)
    shape: Literal["step", "ramp"] = "step"


class Load(Model):
    """Open arrivals: a seeded Poisson process whose rate follows `stages`. Each request has a client `deadline`."""

    stages: list[Stage] = Field(min_length=1, max_length=20)
    deadline: PositiveDuration = "3s"


class Phases(Model):
    """Lengths of the timed parts of a run."""

    baseline: PositiveDuration = "12s"
    fault: PositiveDuration = "30s"
    recovery: PositiveDuration = "15s"
    drain: PositiveDuration = "4s"

    def windows(self) -> dict[str, tuple[float, float]]:
        """Start and end of each phase in seconds after the start mark; load runs until the end of `recovery`."""
        at, result = 0.0, {}
        for name in PHASES:
            length = seconds(getattr(self, name))
            result[name] = (at, at + length)
            at += length
        return result
