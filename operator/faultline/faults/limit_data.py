"""Connections end in the middle of what they carry."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from faultline.faults.base import EdgeFault, Outcome, Sample, Toxic


class LimitData(EdgeFault):
    """Closes each connection once the dependency has sent `size` on it: replies cut off, pools that reconnect."""

    question: ClassVar[Literal["plain", "bulk", "closing"]] = "bulk"

    size: int = Field(
        ge=1, le=1_000_000, description="bytes of replies that a connection carries, counted from the start"
    )

    def toxics(self) -> dict[str, Toxic]:
        """One `limit_data` toxic on the replies."""
        return {"replies": Toxic(type="limit_data", stream="downstream", attributes={"bytes": self.size})}

    def effect(self, sample: Sample, usual: float) -> bool:
        """The connection ends before the answer is whole."""
        return sample.outcome in (Outcome.CLOSED, Outcome.RESET)
