"""What serving costs in memory."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._meter import MeterMeasure
from faultline.measures.base import Context, Direction, length, moment


class MemoryPer1000(MeterMeasure):
    """MiB that the lab's pods held, times the seconds they held it, for each 1,000 requests answered well."""

    unit: ClassVar[str] = "MiB s/1000 requests"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """The mean of the meter's readings, times the time."""
        start, end = context.span(self.phases)
        each_second = f"{length(start, end)[:-1]}:1s] {moment(end)}"
        held = f"avg_over_time(sum(faultline_pod_memory_bytes{self.pods(context)}){each_second}) * {end - start:g}"
        return f"{held} / 1048576 / {self.thousands(context)}"
