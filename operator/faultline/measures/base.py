"""What a measure is: parameters, a unit, a direction, and the PromQL that gives one number for a finished run.

An extension is one file in this folder with one class; the file's name is the measure's name in an objective.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from faultline.api.base import Model


class Context(Model):
    """What a query may refer to. `windows` are Unix seconds (start, end) by phase; `end` is when the run's data is complete."""

    run: str
    scenario: str
    lab_namespace: str
    harness_namespace: str
    windows: dict[str, tuple[float, float]]
    end: float
    canary_scale: float = 1.0


class Measure(Model, ABC):
    """One number about a run. The query is instant, at `context.end`, and must give exactly one sample."""

    unit: ClassVar[str]
    better: ClassVar[Literal["higher", "lower"]]
    scaled: ClassVar[bool] = False
    """Whether target and worst are multiplied by the canary's scale (latencies)."""

    @abstractmethod
    def query(self, context: Context) -> str:
        """The PromQL."""

    @abstractmethod
    def window(self) -> str:
        """Which phases it looks at, in words."""
