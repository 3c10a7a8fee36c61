"""How unevenly the work falls on the back ends."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._backends import BackendMeasure
from faultline.measures.base import Context, Direction


class LoadImbalance(BackendMeasure):
    """The busiest pod's work over the mean of its service's pods: 1 when it is even."""

    unit: ClassVar[str] = "times the mean"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """The largest over the mean; no value when nobody did anything."""
        work = self.work(context)
        return f"max({work})\n/ (avg({work}) > 0)"
