"""Messages that nobody can process."""

from __future__ import annotations

from pydantic import Field

from faultline.api.traffic import Traffic
from faultline.faults.base import TrafficFault


class PoisonMessage(TrafficFault):
    """`count` messages at random times; `load.py` says what one is by a method `poison`.

    They are the fault's own requests: to refuse them costs no availability, to choke on them does.
    """

    count: int = Field(1, ge=1, le=10_000, description="messages in all")

    def traffic(self) -> Traffic:
        """A few arrivals of its own."""
        return Traffic(count=self.count, hook="poison")
