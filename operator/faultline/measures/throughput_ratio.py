"""How much of the offered load was served."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._load import LoadMeasure
from faultline.measures.base import Context, Direction


class ThroughputRatio(LoadMeasure):
    """Requests answered well, over the requests that the schedule offered.

    Unlike availability it counts what the generator was meant to send, so that slowing the load down gains nothing.
    """

    unit: ClassVar[str] = "ratio"
    better: ClassVar[Direction | None] = "higher"

    def query(self, context: Context) -> str:
        """Answered well over offered, by the phase of the intended start."""
        ok = self.selector(context, outcome="ok")
        return f"sum(faultline_load_requests_total{ok}) / sum(faultline_load_offered_total{self.selector(context)})"
