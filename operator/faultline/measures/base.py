"""What a measure is: parameters, a unit, a direction, and the PromQL that gives one number for a finished run.

An extension is one file in this folder with one class; the file's name is the measure's name in an objective. The
class' docstring and its fields' descriptions become its section of docs/measures.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from faultline.api.app import App
from faultline.api.base import Model

LOADED = ("baseline", "fault", "recovery")
"""The phases with load, in order."""

Direction = Literal["higher", "lower"]
"""Which way is better."""


class Disturbance(Model):
    """When a fault was really on, in Unix seconds."""

    name: str
    edge: str
    start: float
    end: float


class Context(Model):
    """What a query may refer to. `windows` are Unix seconds (start, end) by phase; `end` is when the data is complete.

    `deadline` is the client's, in seconds; `canary_scale` is this machine's latency over the reference machine's, and
    `cpu_scale` its CPU time for the same work.
    """

    run: str
    scenario: str
    lab_namespace: str
    harness_namespace: str
    windows: dict[str, tuple[float, float]]
    end: float
    deadline: float = 3.0
    canary_scale: float = 1.0
    cpu_scale: float = 1.0
    faults: list[Disturbance] = Field(default_factory=list)

    def span(self, phases: Sequence[str]) -> tuple[float, float]:
        """Start of the first and end of the last of `phases`, in Unix seconds.

        After the recovery the drain belongs to it: what the last requests set off is still under way then.
        """
        ordered = [name for name in LOADED if name in phases]
        last = "drain" if ordered[-1] == "recovery" and "drain" in self.windows else ordered[-1]
        return self.windows[ordered[0]][0], self.windows[last][1]

    def seconds(self, phases: Sequence[str]) -> float:
        """How long `phases` last together."""
        return sum(self.windows[name][1] - self.windows[name][0] for name in phases)


class Measure(Model, ABC):
    """One number about a run. The query is instant, at `context.end`, and must give exactly one sample."""

    unit: ClassVar[str]
    better: ClassVar[Direction | None]
    """None where each objective states it, as a parameter `direction`."""
    scaled: ClassVar[bool] = False
    """Whether target and worst are multiplied by the canary's scale (latencies)."""
    nothing: ClassVar[str] = "the query gives nothing"
    """What it means that there is no sample."""

    def stores(self, app: App) -> list[tuple[str, str]]:
        """Data stores without which there is nothing to measure, each behind the parameter that leads there or ''."""
        return []

    @property
    def value_unit(self) -> str:
        """The unit of the value."""
        return self.unit

    @property
    def improves(self) -> Direction:
        """Which way is better for this objective."""
        if self.better is None:
            raise NotImplementedError(f"{type(self).__name__} leaves its direction to its objectives")
        return self.better

    @abstractmethod
    def query(self, context: Context) -> str:
        """The PromQL."""

    @abstractmethod
    def window(self) -> str:
        """Which phases it looks at, in words."""


def moment(at: float) -> str:
    """A PromQL `@` modifier for `at` Unix seconds."""
    return "@ " + f"{at:.3f}".rstrip("0").rstrip(".")


def length(start: float, end: float) -> str:
    """A PromQL range for the time between two moments in Unix seconds, to the millisecond."""
    milliseconds = max(1, round((end - start) * 1000))
    return f"[{milliseconds}ms]" if milliseconds % 1000 else f"[{milliseconds // 1000}s]"


SCRAPE_SECONDS = 1.0


def grown(counter: str, start: float, end: float) -> str:
    """PromQL for how much a counter (a selector, whose series are summed) grew between two moments in Unix seconds.

    `increase` stretches what it sees to the edges of its range, unless the counter started at 0: 5% one way or the
    other for 20 scrapes. The difference of two readings is exact, its parts add up, and pods that came or went count in
    full; a counter that started again from 0 in its pod would not, which the validity rule `restarts` looks for. A
    reading is up to a scrape old; half a scrape later it is right on average.
    """
    start, end = start + SCRAPE_SECONDS / 2, end + SCRAPE_SECONDS / 2
    after = f"sum(last_over_time({counter}{length(start, end)} {moment(end)}))"
    before = f"sum(last_over_time({counter}[9s] {moment(start)}))"
    return f"{after} - ({before} or vector(0))"
