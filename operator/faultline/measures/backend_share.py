"""How much of the work falls on the busiest back end."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._backends import BackendMeasure
from faultline.measures.base import Context, Direction


class BackendShare(BackendMeasure):
    """The busiest pod's share of its service's work: 1 over the number of pods when it is even, 1 when one does all."""

    unit: ClassVar[str] = "ratio"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """The largest over the sum; no value when nobody did anything."""
        work = self.work(context)
        return f"max({work})\n/ (sum({work}) > 0)"
