"""How much of an error budget the dip used up: its area."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from faultline.measures._load import LoadMeasure
from faultline.measures.base import Context, Direction


class ErrorBudgetBurnt(LoadMeasure):
    """Requests not answered well, over those that the service level allows in these phases: 1 is the whole budget."""

    unit: ClassVar[str] = "budgets"
    better: ClassVar[Direction | None] = "lower"

    service_level: float = Field(
        0.99, gt=0, lt=1, alias="serviceLevel", description="share that has to be answered well"
    )

    def query(self, context: Context) -> str:
        """Bad requests over the allowed ones."""
        bad = self.selector(context, outcome="failed|unknown")
        allowed = f"sum(faultline_load_requests_total{self.selector(context)}) * {1 - self.service_level:.6g}"
        return f"sum(faultline_load_requests_total{bad}) / ({allowed})"
