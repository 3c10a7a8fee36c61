"""Share of requests that ended badly."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from faultline.measures._load import LoadMeasure
from faultline.measures.base import Context, Direction

Bad = Literal["failed", "unknown"]
BAD: tuple[Bad, ...] = ("failed", "unknown")


class ErrorRate(LoadMeasure):
    """Requests with one of `outcomes`, over all that were sent.

    `failed` was answered with an error, `unknown` had no answer within the client's deadline and may have happened.
    """

    unit: ClassVar[str] = "ratio"
    better: ClassVar[Direction | None] = "lower"

    outcomes: list[Bad] = Field(
        default_factory=lambda: [*BAD], min_length=1, max_length=2, description="what counts as bad"
    )

    def query(self, context: Context) -> str:
        """Counters start at 0 with each run, so their last value is the count."""
        bad = self.selector(context, outcome="|".join(self.outcomes))
        return f"sum(faultline_load_requests_total{bad}) / sum(faultline_load_requests_total{self.selector(context)})"
