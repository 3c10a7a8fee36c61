"""Shared by measures over a number that is read once a second: its worst, its mean, or a quantile over the phases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faultline.measures._load import PhasedMeasure
from faultline.measures.base import Context, length, moment

Statistic = Literal["max", "mean", "p95", "end"]


class SampledMeasure(PhasedMeasure):
    """One number out of the many that a gauge had."""

    statistic: Statistic = Field("max", description="max, mean or p95 over the phases, or the value at their end")

    def over(self, context: Context, vector: str) -> str:
        """The statistic of `vector` (one series), looked at each second."""
        start, end = context.span(self.phases)
        if self.statistic == "end":
            return f"last_over_time(({vector})[5s:1s] {moment(end)})"
        times = f"({vector}){length(start, end)[:-1]}:1s] {moment(end)}"
        match self.statistic:
            case "p95":
                return f"quantile_over_time(0.95, {times})"
            case "mean":
                return f"avg_over_time({times})"
        return f"max_over_time({times})"
