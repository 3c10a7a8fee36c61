"""What a bench is given and what it gives."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from faultline.cli._cluster import Cluster


@dataclass(frozen=True)
class Measurement:
    """One number against its bound, as reports/bench/NAME.json has it; `n` is how many samples it comes from.

    Without a bound it is there to be compared with.
    """

    measure: str
    value: float
    unit: str
    bound: float | None = None
    better: Literal["lower", "higher"] = "lower"
    n: int = 1

    @property
    def within(self) -> bool:
        """Whether the bound holds."""
        if self.bound is None:
            return True
        return self.value <= self.bound if self.better == "lower" else self.value >= self.bound


@dataclass(frozen=True)
class Bench:
    """What a bench may use: the cluster, how often to repeat what is cheap, and seconds for what takes long."""

    cluster: Cluster
    repeat: int = 5
    budget: float | None = None
    """None for all of it."""


def worst(measure: str, values: Sequence[float], unit: str, bound: float) -> Measurement:
    """The worst of several samples: a bound is a promise about each of them."""
    return Measurement(measure, round(max(values), 3), unit, bound, n=len(values))


def median(measure: str, values: Sequence[float], unit: str, bound: float) -> Measurement:
    """The median of several samples, for what varies by itself."""
    return Measurement(measure, round(statistics.median(values), 3), unit, bound, n=len(values))


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all are at most: nothing is made up between two samples."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(measure: str, values: Sequence[float], unit: str, share: float, bound: float | None = None) -> Measurement:
    """A quantile of many samples."""
    return Measurement(measure, round(quantile(values, share), 3), unit, bound, n=len(values))
