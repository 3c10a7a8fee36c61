"""What serving costs in CPU."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._meter import MeterMeasure
from faultline.measures.base import Context, Direction, grown


class CpuPer1000(MeterMeasure):
    """CPU seconds that the lab's pods used for each 1,000 requests answered well."""

    unit: ClassVar[str] = "CPU s/1000 requests"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """The increase of each pod's counter, pods that came and went included."""
        used = grown(f"faultline_pod_cpu_seconds_total{self.pods(context)}", *context.span(self.phases))
        return f"({used}) / {self.thousands(context)}"
