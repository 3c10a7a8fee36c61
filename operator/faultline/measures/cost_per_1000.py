"""What serving costs in money."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from faultline.measures._meter import MeterMeasure
from faultline.measures.base import Context, Direction, length, moment

GIB_HOUR = 1024**3 * 3600


class CostPer1000(MeterMeasure):
    """CPU and memory that the lab's pods used for each 1,000 requests answered well, at a price for each.

    One number for a trade of the one for the other, such as a cache.
    """

    unit: ClassVar[str] = "$/1000 requests"
    better: ClassVar[Direction | None] = "lower"

    core_hour: float = Field(0.04, ge=0, le=100, alias="coreHour", description="dollars for a core's hour")
    gib_hour: float = Field(0.005, ge=0, le=100, alias="gibHour", description="dollars for an hour of 1 GiB of memory")

    def query(self, context: Context) -> str:
        """The meter's CPU counter, and the mean of its memory readings times the time."""
        start, end = context.span(self.phases)
        each_second = f"{length(start, end)[:-1]}:1s] {moment(end)}"
        held = f"avg_over_time(sum(faultline_pod_memory_bytes{self.pods(context)}){each_second}) * {end - start:g}"
        cost = f"({self.cpu(context)}) * {self.core_hour / 3600:.6g}\n  + {held} * {self.gib_hour / GIB_HOUR:.6g}"
        return f"({cost})\n/ {self.thousands(context)}"
