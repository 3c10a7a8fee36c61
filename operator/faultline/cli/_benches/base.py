"""What a bench is given and what it gives."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from faultline.cli._cluster import Cluster


@dataclass(frozen=True)
class Measurement:
    """One number against its bound, as reports/bench/NAME.json has it; `n` is how many samples it comes from."""

    measure: str
    value: float
    unit: str
    bound: float
    better: Literal["lower", "higher"] = "lower"
    n: int = 1

    @property
    def within(self) -> bool:
        """Whether the bound holds."""
        return self.value <= self.bound if self.better == "lower" else self.value >= self.bound


@dataclass(frozen=True)
class Bench:
    """What a bench may use: the cluster, and how often to repeat what is cheap."""

    cluster: Cluster
    repeat: int = 5


def worst(measure: str, values: Sequence[float], unit: str, bound: float) -> Measurement:
    """The worst of several samples: a bound is a promise about each of them."""
    return Measurement(measure, round(max(values), 3), unit, bound, n=len(values))


def median(measure: str, values: Sequence[float], unit: str, bound: float) -> Measurement:
    """The median of several samples, for what varies by itself."""
    return Measurement(measure, round(statistics.median(values), 3), unit, bound, n=len(values))
