"""When the benches' faults begin and end, and how far what was seen is from it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline.cli._benches._field import EDGES

LASTS_SECONDS = 0.4
DELAY_SECONDS = 0.2
WINDOW_SECONDS = 25.0
EARLY_SECONDS = 0.1
"""What begins this much before its time still is that fault."""


@dataclass(frozen=True)
class Planned:
    """One latency fault on an edge; Unix seconds."""

    name: str
    edge: str
    start: float
    end: float

    def as_plan(self) -> dict[str, object]:
        """As the injector takes it."""
        return {
            "name": self.name,
            "type": "latency",
            "edge": self.edge,
            "start": self.start,
            "end": self.end,
            "params": {"delay": f"{DELAY_SECONDS * 1000:g}ms"},
        }


def schedule(count: int, zero: float, seed: int) -> list[Planned]:
    """`count` faults within 25 s on the edges by turns; where in its turn each one begins is drawn."""
    chance = random.Random(seed)  # noqa: S311 (a schedule, not a secret)
    turn = WINDOW_SECONDS / count
    found = []
    for index in range(count):
        start = zero + index * turn + chance.uniform(0, turn - LASTS_SECONDS - 0.05)
        found.append(Planned(f"f{index:02d}", EDGES[index % len(EDGES)], start, start + LASTS_SECONDS))
    return found


@dataclass(frozen=True)
class Errors:
    """How late each start and end was, in milliseconds; negative is early. `missed` faults were not seen."""

    starts: list[float]
    ends: list[float]
    missed: int

    def __add__(self, other: Errors) -> Errors:
        return Errors(self.starts + other.starts, self.ends + other.ends, self.missed + other.missed)


def errors(planned: Sequence[Planned], seen: Mapping[str, Sequence[Sequence[float]]]) -> Errors:
    """Each planned fault against what was seen on its edge from then until the next one's time."""
    found = Errors([], [], 0)
    for edge, events in seen.items():
        mine = sorted((each for each in planned if each.edge == edge), key=lambda each: each.start)
        found += _edge_errors(mine, sorted(events, key=lambda each: each[0]))
    return found


def _edge_errors(planned: Sequence[Planned], events: Sequence[Sequence[float]]) -> Errors:
    starts, ends, missed, left = [], [], 0, list(events)
    for index, plan in enumerate(planned):
        until = planned[index + 1].start if index + 1 < len(planned) else float("inf")
        own = [each for each in left if plan.start - EARLY_SECONDS <= each[0] < until - EARLY_SECONDS]
        left = [each for each in left if each not in own]
        if own:
            starts.append((own[0][0] - plan.start) * 1000)
            ends.append((own[0][1] - plan.end) * 1000)
        missed += abs(len(own) - 1)
    return Errors(starts, ends, missed + len(left))
