"""What is computed once from all requests of a run: exact quantiles and the time to recover."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from loadgen.plan import LOADED

QUANTILES = (0.5, 0.95, 0.99)
GOOD_SHARE = 0.95
"""A second is good when at least this share of the requests that were due in it was answered well."""


class Sample(NamedTuple):
    """One request: `intended` in seconds after the start mark; `latency` in seconds, None when it had no answer.

    `fault` names the traffic fault whose own request it is.
    """

    op: str
    phase: str
    intended: float
    outcome: str
    latency: float | None
    fault: str = ""


class Exact(NamedTuple):
    """One exact quantile. Seconds; infinite when no request was answered."""

    phases: str
    op: str
    quantile: float
    seconds: float
    fault: str = ""


def ranges() -> list[tuple[str, ...]]:
    """Every contiguous range of the phases with load."""
    return [LOADED[start:stop] for start in range(len(LOADED)) for stop in range(start + 1, len(LOADED) + 1)]


def quantile(ordered: Sequence[float], q: float) -> float:
    """The smallest value that at least the share `q` of `ordered` (ascending, not empty) does not exceed."""
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def exact_quantiles(samples: Iterable[Sample]) -> list[Exact]:
    """Quantiles of the answered requests for each range of phases and each operation, "" being all of them.

    Where requests were sent and none was answered the quantile is infinite: that is a measurement, not a lack of one.
    A traffic fault's own requests have quantiles of their own.
    """
    groups: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for sample in samples:
        for op in ("", sample.op):
            groups[sample.fault, sample.phase, op] += [] if sample.latency is None else [sample.latency]
    found: list[Exact] = []
    for phases in ranges():
        for fault, op in sorted({(fault, op) for fault, phase, op in groups if phase in phases}):
            ordered = sorted(value for phase in phases for value in groups.get((fault, phase, op), ()))
            for q in QUANTILES:
                value = quantile(ordered, q) if ordered else math.inf
                found.append(Exact("+".join(phases), op, q, value, fault))
    return found


def recovery_seconds(samples: Iterable[Sample], fault_end: float, load_end: float) -> dict[str, float]:
    """By operation ("" being all): from the end of the last fault to the end of the last bad second.

    Seconds are counted from `fault_end`; one without requests says nothing. An operation that was not asked for after
    the fault is left out. A traffic fault's own requests are not the clients'.
    """
    seconds: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for sample in samples:
        if not sample.fault and fault_end <= sample.intended < load_end:
            for op in ("", sample.op):
                tally = seconds[op][int(sample.intended - fault_end)]
                tally[0] += 1
                tally[1] += sample.outcome == "ok"
    return {op: _last_bad(tallies, load_end - fault_end) for op, tallies in seconds.items()}


def _last_bad(tallies: Mapping[int, Sequence[int]], longest: float) -> float:
    bad = [second for second, (sent, ok) in tallies.items() if ok < GOOD_SHARE * sent]
    return min(max(bad) + 1.0, longest) if bad else 0.0
