"""Shared by measures of how a service's work falls on its pods."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faultline.api.base import Slug
from faultline.measures._load import PhasedMeasure, quoted
from faultline.measures.base import SCRAPE_SECONDS, Context, length, moment


class BackendMeasure(PhasedMeasure):
    """A measure over the pods of one service (or data store)."""

    service: Slug = Field(description="the service, or postgres-replica")
    counted_by: Literal["cpu", "requests"] = Field(
        "cpu",
        alias="countedBy",
        description="cpu: what the meter saw each pod use; requests: what arrived, by our shared services' own count",
    )

    def work(self, context: Context) -> str:
        """What each pod did in the phases, by pod."""
        start, end = (each + SCRAPE_SECONDS / 2 for each in context.span(self.phases))
        lab = f"namespace={quoted(context.lab_namespace)}"
        if self.counted_by == "requests":
            counter = f'faultline_dependency_requests_total{{{lab},part="shared",dependency={quoted(self.service)}}}'
        else:
            pods = f"{self.service}-([0-9]+|[a-z0-9]{{6,10}}-[a-z0-9]{{5}})"
            counter = f"faultline_pod_cpu_seconds_total{{{lab},pod=~{quoted(pods)}}}"
        after = f"sum by (pod) (last_over_time({counter}{length(start, end)} {moment(end)}))"
        before = f"sum by (pod) (last_over_time({counter}[9s] {moment(start)}))"
        # A pod that came later did all of its work since.
        return f"({after} - ({before} or {after} * 0))"
