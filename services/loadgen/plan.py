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


class Traffic(BaseModel):
    """A fault that is made of traffic, between `start` and `end`; the injector opens and closes its gate meanwhile.

    `factor`, `rate` and `count` say how much more arrives: times the usual, more per second, or so many in all. These
    run the users' tasks, or the hook of load.py that `hook` names, which makes their requests the fault's own. `hot` is
    the share of requests that get the hot key. `retries` is how often clients send again what was not answered well,
    `delay` seconds after the one before; those are the fault's own as well.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")
    start: float = Field(ge=0)
    end: float = Field(gt=0)
    seed: int = Field(ge=0)
    factor: float | None = Field(None, gt=1, le=100)
    rate: float | None = Field(None, gt=0, le=2000)
    count: int | None = Field(None, gt=0, le=10_000)
    hook: Literal["", "abuse", "poison"] = ""
    hot: float = Field(0.0, ge=0, le=1)
    retries: int = Field(0, ge=0, le=20)
    delay: float = Field(0.0, ge=0, le=60)

    @property
    def own(self) -> str:
        """What the requests of its arrivals are labelled with: its name when they are its own."""
        return self.name if self.hook else ""


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
    faults: list[Traffic] = Field(default_factory=list, max_length=20)

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
        for index, fault in enumerate(self.faults):
            if not fault.start < fault.end <= self.load_end:
                raise ValueError(
                    f"faults[{index}] must start before it ends, and end within the load, {self.load_end},"
                    f" got {fault.start} to {fault.end}"
                )
        if len({fault.name for fault in self.faults}) != len(self.faults):
            raise ValueError(f"faults must have unique names, got {[fault.name for fault in self.faults]}")
        return self

    @property
    def load_end(self) -> float:
        """When the last arrival may come."""
        return self.windows[LOADED[-1]][1]
