"""Share of requests that were answered well within the client's deadline."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._load import LoadMeasure
from faultline.measures.base import Context, Direction


class Availability(LoadMeasure):
    """Requests answered well, over all that were sent: one without an answer counts against it."""

    unit: ClassVar[str] = "ratio"
    better: ClassVar[Direction | None] = "higher"

    def query(self, context: Context) -> str:
        """Counters start at 0 with each run, so their last value is the count."""
        ok = self.selector(context, outcome="ok")
        return f"sum(faultline_load_requests_total{ok}) / sum(faultline_load_requests_total{self.selector(context)})"
