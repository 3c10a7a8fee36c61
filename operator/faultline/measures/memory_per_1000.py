"""What serving costs in memory."""

from __future__ import annotations

from typing import ClassVar, Literal

from faultline.measures._meter import MeterMeasure
from faultline.measures.base import Context


class MemoryPer1000(MeterMeasure):
    """MiB that the lab's pods held, times the seconds they held it, for each 1,000 requests answered well."""

    unit: ClassVar[str] = "MiB s/1000 requests"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def query(self, context: Context) -> str:
        """The sum over the meter's readings, one each second."""
        over = self.over(context)
        width, at = over.split(" ", 1)
        held = f"sum_over_time(sum(faultline_pod_memory_bytes{self.pods(context)}){width[:-1]}:1s] {at})"
        return f"sum({held}) / 1048576 / {self.thousands(context)}"
