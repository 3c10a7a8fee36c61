"""How much work was done well."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._load import LoadMeasure
from faultline.measures.base import Context, Direction


class Throughput(LoadMeasure):
    """Requests answered well, per second of the phases in which they were meant to start."""

    unit: ClassVar[str] = "requests/s"
    better: ClassVar[Direction | None] = "higher"

    def query(self, context: Context) -> str:
        """The count over the phases' length."""
        ok = self.selector(context, outcome="ok")
        return f"sum(faultline_load_requests_total{ok}) / {context.seconds(self.phases):g}"
