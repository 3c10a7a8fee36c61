"""Shared by measures over the meter, which reads each pod's cgroup once a second."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faultline.measures._load import PhasedMeasure, quoted
from faultline.measures.base import Context, grown

Part = Literal["app", "shared", "store"]
PARTS: tuple[Part, ...] = ("app", "shared", "store")


class MeterMeasure(PhasedMeasure):
    """A use of resources for each 1,000 requests that were answered well."""

    parts: list[Part] = Field(
        default_factory=lambda: [*PARTS],
        min_length=1,
        max_length=3,
        description="whose use counts; all of the lab if left out, so that moving work elsewhere gains nothing",
    )

    def pods(self, context: Context) -> str:
        """The selector of the lab's pods."""
        return f"{{namespace={quoted(context.lab_namespace)},part=~{quoted('|'.join(self.parts))}}}"

    def cpu(self, context: Context) -> str:
        """CPU seconds of the reference machine: the growth of each pod's counter, whatever pods came and went."""
        used = grown(f"faultline_pod_cpu_seconds_total{self.pods(context)}", *context.span(self.phases))
        return used if context.cpu_scale == 1 else f"({used}) / {context.cpu_scale:g}"

    def thousands(self, context: Context) -> str:
        """Requests answered well, in thousands; nothing when there was none, as no use of resources is worth that."""
        phases = quoted("|".join(self.phases))
        ok = f'{{run={quoted(context.run)},phase=~{phases},fault="",outcome="ok"}}'
        return f"((sum(faultline_load_requests_total{ok}) > 0) / 1000)"
