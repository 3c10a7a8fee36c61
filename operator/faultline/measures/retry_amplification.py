"""How many times a dependency is tried for each operation that clients offer."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field

from faultline.api.app import DATA_STORES, App
from faultline.api.base import EdgeName, Slug
from faultline.measures._load import LoadMeasure, quoted
from faultline.measures.base import Context, Direction, Disturbance, grown, moment

SHORTEST_SECONDS = 3.0
"""A part of the time has to hold a few scrapes (one each second), or its edges weigh more than what is between."""
MOST_PARTS = 4
"""A query has to be readable and to fit a Run's status; the shortest parts join their neighbours."""


class RetryAmplification(LoadMeasure):
    """Attempts at `dependency` over offered operations, from the start of the first phase to the end of the last.

    Where the dependency can be reached its own count is exact, and connections undercount (they are kept alive). Where
    it is cut off no attempt arrives, and each attempt opens a connection on its edge. Neither ever counts more than was
    tried, so the time is split where faults on the edge start and end, and each part counts the larger of the two.
    Below 1 is possible: a breaker that is open tries nothing.
    """

    unit: ClassVar[str] = "attempts/operation"
    better: ClassVar[Direction | None] = "lower"

    dependency: Slug = Field(description="the service (ours, shared) that is tried")
    edge: EdgeName | None = Field(None, description="the edge that is cut; all that lead to the dependency if left out")
    counted_at: Literal["both", "dependency", "edge"] = Field(
        "both", description="edge alone for what does not count its own requests; mind connections kept alive"
    )

    def stores(self, app: App) -> list[tuple[str, str]]:
        """What is tried, where that is a data store."""
        target = self.edge.split("->")[1] if self.edge else self.dependency
        return [("edge" if self.edge else "dependency", target)] if target in DATA_STORES else []

    def query(self, context: Context) -> str:
        """One term for each part of the time, over the offered operations."""
        attempts = "\n+ ".join(self._attempts(context, *part) for part in pairwise(self._marks(context)))
        offered = f"sum(faultline_load_offered_total{self.selector(context)})"
        if self.counted_at == "both":
            # Without both counts the number would be a guess, so there is none.
            at = moment(context.end)
            known = [
                f"and on() sum(last_over_time({each(context)}[1m] {at}))" for each in (self._arrived, self._opened)
            ]
            return "\n".join([f"(\n{attempts}\n)", f"/ {offered}", *known])
        return f"({attempts})\n/ {offered}"

    def _marks(self, context: Context) -> list[float]:
        start, end = context.span(self.phases)
        marks = [start]
        for at in sorted(at for fault in self._faults(context) for at in (fault.start, fault.end)):
            if marks[-1] + SHORTEST_SECONDS <= at <= end - SHORTEST_SECONDS:
                marks.append(at)
        while len(marks) > MOST_PARTS:
            del marks[min(range(1, len(marks)), key=lambda place: marks[place] - marks[place - 1])]
        return [*marks, end]

    def _faults(self, context: Context) -> list[Disturbance]:
        suffix = f"->{self.dependency}"
        return [
            each for each in context.faults if (each.edge == self.edge if self.edge else each.edge.endswith(suffix))
        ]

    def _attempts(self, context: Context, start: float, end: float) -> str:
        arrived = grown(self._arrived(context), start, end)
        opened = grown(self._opened(context), start, end)
        if self.counted_at == "both":
            return f'max(\n  {arrived}\n  or label_replace({opened}, "at", "edge", "", "")\n)'
        return arrived if self.counted_at == "dependency" else opened

    def _arrived(self, context: Context) -> str:
        labels = f'namespace={quoted(context.lab_namespace)},part="shared",dependency={quoted(self.dependency)}'
        return f"faultline_dependency_requests_total{{{labels}}}"

    def _opened(self, context: Context) -> str:
        edge = f"={quoted(self.edge)}" if self.edge else f"=~{quoted('.+->' + self.dependency)}"
        return f"faultline_edge_connections_total{{namespace={quoted(context.harness_namespace)},edge{edge}}}"
