"""Many more clients than usual."""

from __future__ import annotations

from pydantic import Field

from faultline.api.traffic import Traffic
from faultline.faults.base import TrafficFault


class Surge(TrafficFault):
    """`factor` times the usual arrivals. All are clients: what becomes of their requests counts like any other's."""

    factor: float = Field(gt=1, le=100, description="arrivals over the usual ones, so 3 is two more for each")

    def traffic(self) -> Traffic:
        """More of the same arrivals."""
        return Traffic(factor=self.factor)
