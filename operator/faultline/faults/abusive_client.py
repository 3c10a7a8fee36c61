"""One client that asks for far more than its share."""

from __future__ import annotations

from pydantic import Field

from faultline.api.traffic import Traffic
from faultline.faults.base import TrafficFault


class AbusiveClient(TrafficFault):
    """`rate` requests a second by one client beside the usual ones; `load.py` says what it does by a method `abuse`.

    They are the fault's own requests: to refuse them costs no availability. An objective with `fault: NAME` looks at
    them.
    """

    rate: float = Field(gt=0, le=2000, description="arrivals per second")

    def traffic(self) -> Traffic:
        """Arrivals of its own."""
        return Traffic(rate=self.rate, hook="abuse")
