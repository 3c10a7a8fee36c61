"""What the operator asks for: `PUT /runs/RUN`. All times are seconds after the start mark."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LOADED = ("baseline", "fault", "recovery")
"""The phases with arrivals, in order."""
PHASES = (*LOADED, "drain")
OUTCOMES = ("ok", "failed", "unknown")


class Stage(BaseModel):
    """From `at` on `rate` arrivals per second; `ramp` reaches it linearly from the stage before."""

    model_config = ConfigDict(extra="forbid")

    at: float = Field(ge=0)
    rate: float = Field(gt=0, le=2000)
    shape: Literal["step", "ramp"] = "step"


class Plan(BaseModel):
    """One run's load. `target` and `canary` are base URLs, `load_py` is source text, `windows` are [start, end]."""

    model_config = ConfigDict(extra="forbid")

    scenario: str = Field(min_length=1, max_length=100)
    seed: int
    load_py: str = Field(min_length=1, max_length=200_000)
    target: str = Field(pattern=r"^http://[^/]+$")
    canary: str | None = Field(None, pattern=r"^http://[^/]+$")
    stages: list[Stage] = Field(min_length=1, max_length=20)
    deadline: float = Field(gt=0, le=60)
    windows: dict[str, tuple[float, float]]
    fault_end: float = Field(ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        missing = [phase for phase in PHASES if phase not in self.windows]
        if missing:
            raise ValueError(f"windows must have {', '.join(PHASES)}, {', '.join(missing)} missing")
        edges = [self.windows[phase] for phase in PHASES]
        if edges[0][0] != 0 or any(start > end for start, end in edges):
            raise ValueError(f"windows must start at 0 and not end before they start, got {edges}")
        if any(before[1] != after[0] for before, after in pairwise(edges)):
            raise ValueError(f"windows must follow one another without a gap, got {edges}")
        if any(before.at >= after.at for before, after in pairwise(self.stages)):
            raise ValueError(f"stages must be in the order of at, got {[stage.at for stage in self.stages]}")
        if self.fault_end > self.load_end:
            raise ValueError(f"fault_end must lie before the end of recovery, {self.load_end}, got {self.fault_end}")
        return self

    @property
    def load_end(self) -> float:
        """When the last arrival may come."""
        return self.windows[LOADED[-1]][1]
