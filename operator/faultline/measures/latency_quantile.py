"""Exact latency quantiles, from the load generator's history of every request."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from faultline.measures._load import LoadMeasure, LoadPhase, quoted
from faultline.measures.base import LOADED, Context, Direction


class LatencyQuantile(LoadMeasure):
    """Latency that the given share of the answered requests did not exceed, counted from their intended start.

    When nothing at all was answered it is the client's deadline: the true value is that or more. Target and worst are
    scaled by the canary, up to the objective's `cap`.
    """

    unit: ClassVar[str] = "s"
    better: ClassVar[Direction | None] = "lower"
    scaled: ClassVar[bool] = True

    quantile: Literal["0.5", "0.95", "0.99"] = Field("0.95", description="0.99 wants 2,000 planned requests or more")

    @field_validator("phases")
    @classmethod
    def _contiguous(cls, phases: list[LoadPhase]) -> list[LoadPhase]:
        places = sorted(LOADED.index(each) for each in phases)
        if places != list(range(places[0], places[0] + len(places))):
            raise ValueError(f"must follow each other and differ, got {', '.join(phases)}")
        return [LOADED[place] for place in places]  # type: ignore[misc]

    def query(self, context: Context) -> str:
        """The load generator gives infinity where requests were sent and none was answered."""
        labels = {
            "run": context.run,
            "phases": "+".join(self.phases),
            "op": self.op or "",
            "fault": self.fault or "",
            "quantile": self.quantile,
        }
        selector = "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"
        return f"clamp_max(faultline_load_exact_latency_seconds{selector}, {context.deadline:g})"
