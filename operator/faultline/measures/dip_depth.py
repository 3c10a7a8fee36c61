"""How bad the worst moment was: the depth of the dip."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from faultline.api.base import PositiveDuration, seconds
from faultline.measures._load import LoadMeasure
from faultline.measures.base import Context, Direction, length, moment


class DipDepth(LoadMeasure):
    """The largest share of bad outcomes over any `over` within the phases (by when the outcome was known)."""

    unit: ClassVar[str] = "ratio"
    better: ClassVar[Direction | None] = "lower"

    over: PositiveDuration = Field("5s", description="length of a moment; at least 3s, or a few requests decide")

    def query(self, context: Context) -> str:
        """Looked at each second; seconds without any outcome count for nothing."""
        start, end = context.span(self.phases)
        width = f"[{max(3.0, seconds(self.over)):g}s]"
        bad = self.selector(context, outcome="failed|unknown")
        share = (
            f"sum(increase(faultline_load_requests_total{bad}{width}))"
            f" / (sum(increase(faultline_load_requests_total{self.selector(context)}{width})) > 0)"
        )
        return f"max_over_time(({share}){length(start, end)[:-1]}:1s] {moment(end)})"
