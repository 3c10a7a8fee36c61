"""Shared by measures over the load generator's metrics: selectors for operation and phase."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from faultline.api.base import Line, Slug
from faultline.measures.base import LOADED, Context, Measure

LoadPhase = Literal["baseline", "fault", "recovery"]
EVERY: tuple[LoadPhase, ...] = ("baseline", "fault", "recovery")


def quoted(text: str) -> str:
    """`text` as a PromQL string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


class PhasedMeasure(Measure):
    """A measure over some of the phases with load."""

    phases: list[LoadPhase] = Field(
        default_factory=lambda: [*EVERY],
        min_length=1,
        max_length=3,
        description="phases to look at; a request belongs to the phase of its intended start",
    )

    def window(self) -> str:
        """The phases."""
        return ", ".join(name for name in LOADED if name in self.phases)


class LoadMeasure(PhasedMeasure):
    """A measure over one operation (or all) in some phases (by the intended start of each request)."""

    op: Line | None = Field(None, description="operation as named in load.py; all when left out")
    fault: Slug | None = Field(
        None, description="the own requests of this traffic fault (an abusive client's); the clients' when left out"
    )

    def selector(self, context: Context, **labels: str) -> str:
        """A PromQL label selector, braces included; a value with `|` matches any of its parts."""
        parts = {
            "run": f"={quoted(context.run)}",
            "phase": f"=~{quoted('|'.join(self.phases))}",
            "fault": f"={quoted(self.fault or '')}",
        }
        if self.op:
            parts["op"] = f"={quoted(self.op)}"
        parts |= {name: f"{'=~' if '|' in value else '='}{quoted(value)}" for name, value in labels.items()}
        return "{" + ",".join(name + match for name, match in parts.items()) + "}"
