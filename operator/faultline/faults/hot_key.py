"""Everybody wants the same thing."""

from __future__ import annotations

from pydantic import Field

from faultline.api.traffic import Gate, Traffic
from faultline.faults.base import TrafficFault


class HotKey(TrafficFault):
    """A `share` of the requests with a key are about one key; `load.py` says which by `self.key(usual, hot)`.

    As many arrive as ever, all of them clients.
    """

    share: float = Field(0.5, gt=0, le=1, description="share of the keyed requests, 0 to 1")

    def traffic(self) -> Traffic:
        """Another key for some of the arrivals."""
        return Traffic(hot=self.share)

    def effect(self, gate: Gate) -> float | None:
        """The share of the keyed requests that were sent with the hot key."""
        return gate.sent / gate.armed if gate.armed else None
