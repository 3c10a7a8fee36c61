"""The arrivals: a seeded Poisson process whose rate follows the stages.

Arrivals of a process with a changing rate are those of one with rate 1, on a stretched clock: unit exponential steps
are summed, and each sum is sent back through the expected number of arrivals up to a time. That is exact for steps
and ramps, and needs one draw for each arrival.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from loadgen.plan import Plan, Stage, Traffic


class StageLike(Protocol):
    """Anything with a start, a rate and a shape, as `plan.Stage`."""

    @property
    def at(self) -> float:
        """Seconds."""

    @property
    def rate(self) -> float:
        """Arrivals per second."""

    @property
    def shape(self) -> str:
        """step or ramp."""


class Piece(NamedTuple):
    """The rate goes in a line from `low` at `start` to `high` at `end` (arrivals per second; seconds)."""

    start: float
    end: float
    low: float
    high: float

    @property
    def expected(self) -> float:
        """Arrivals expected in it."""
        return (self.end - self.start) * (self.low + self.high) / 2

    def when(self, count: float) -> float:
        """The time at which `count` arrivals are expected since `start`."""
        slope = (self.high - self.low) / (self.end - self.start)
        # low*t + slope*t²/2 = count, in the form that stays accurate when the slope is nearly 0.
        return self.start + 2 * count / (self.low + math.sqrt(max(0.0, self.low**2 + 2 * slope * count)))


def pieces(stages: Sequence[StageLike], end: float) -> list[Piece]:
    """The rate over [0, end). Before the first stage it is 0; a ramp begins where the stage before it begins."""
    found: list[Piece] = []
    for index, stage in enumerate(stages):
        following = stages[index + 1] if index + 1 < len(stages) else None
        start, stop = stage.at, min(following.at if following else end, end)
        high = following.rate if following and following.shape == "ramp" else stage.rate
        if following and following.at > end:  # A ramp that the end cuts off.
            high = stage.rate + (high - stage.rate) * (end - start) / (following.at - start)
        if stop > start:
            found.append(Piece(start, stop, stage.rate, high))
    return found


def arrivals(stages: Sequence[StageLike], end: float, seed: int) -> Iterator[float]:
    """The times of all arrivals in [0, end), in seconds, the same for the same seed."""
    rng = random.Random(f"arrivals/{seed}")  # noqa: S311 (a schedule, not a secret)
    owed = rng.expovariate(1.0)
    for piece in pieces(stages, end):
        expected = piece.expected
        while owed < expected:
            yield piece.when(owed)
            owed += rng.expovariate(1.0)
        owed -= expected


class Arrival(NamedTuple):
    """One arrival: its number, its time (seconds after the mark), and the fault that it is of, if any."""

    index: int
    due: float
    fault: Traffic | None = None


def schedule(plan: Plan) -> list[Arrival]:
    """All arrivals of a run in order. Those of the clients are the same whether there are faults or not."""
    usual = [Arrival(index, due) for index, due in enumerate(arrivals(plan.stages, plan.load_end, plan.seed))]
    more = [(due, fault) for fault in plan.faults for due in _extra(fault, plan)]
    extra = [Arrival(len(usual) + place, due, fault) for place, (due, fault) in enumerate(more)]
    return sorted([*usual, *extra], key=lambda each: each.due)


def _extra(fault: Traffic, plan: Plan) -> Iterator[float]:
    if fault.factor:
        scaled = [stage.model_copy(update={"rate": stage.rate * (fault.factor - 1)}) for stage in plan.stages]
        yield from (due for due in arrivals(scaled, fault.end, fault.seed) if due >= fault.start)
    if fault.rate:
        yield from arrivals([Stage(at=fault.start, rate=fault.rate)], fault.end, fault.seed)
    if fault.count:
        rng = random.Random(f"count/{fault.seed}")  # noqa: S311 (a schedule, not a secret)
        yield from (rng.uniform(fault.start, fault.end) for _ in range(fault.count))


def arrival_random(seed: int, index: int) -> random.Random:
    """What arrival number `index` draws its user, its task and its arguments from."""
    return random.Random(f"arrival/{seed}/{index}")  # noqa: S311
