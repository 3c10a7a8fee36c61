"""What serving costs in CPU."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._meter import MeterMeasure
from faultline.measures.base import Context, Direction


class CpuPer1000(MeterMeasure):
    """CPU seconds of the reference machine that the lab's pods used for each 1,000 requests answered well."""

    unit: ClassVar[str] = "CPU s/1000 requests"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """The increase of each pod's counter, pods that came and went included."""
        return f"({self.cpu(context)}) / {self.thousands(context)}"
