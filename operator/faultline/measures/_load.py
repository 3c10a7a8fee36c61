"""Shared by measures over the load generator's metrics: selectors for operation and phase."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faultline.api.base import Line
from faultline.measures.base import Context, Measure

LoadPhase = Literal["baseline", "fault", "recovery"]


class LoadMeasure(Measure):
    """A measure over one operation (or all) in some phases (by the intended start of each request)."""

    op: Line | None = Field(None, description="operation as named in load.py; all when left out")
    phases: list[LoadPhase] = Field(
        default_factory=lambda: ["baseline", "fault", "recovery"], min_length=1, max_length=3
    )

    def selector(self, context: Context, **labels: str) -> str:
        """A PromQL label selector, braces included."""
        parts = {"run": f'="{context.run}"', "phase": f'=~"{"|".join(self.phases)}"'}
        if self.op:
            parts["op"] = f'="{self.op}"'
        parts |= {name: f'="{value}"' for name, value in labels.items()}
        return "{" + ",".join(name + match for name, match in parts.items()) + "}"

    def window(self) -> str:
        """The phases."""
        return ", ".join(self.phases)
