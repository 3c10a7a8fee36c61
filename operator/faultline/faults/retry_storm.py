"""Clients that do not take no for an answer."""

from __future__ import annotations

from pydantic import Field

from faultline.api.base import Duration, seconds
from faultline.api.traffic import Gate, Traffic
from faultline.faults.base import TrafficFault


class RetryStorm(TrafficFault):
    """Whatever is not answered well is sent again, up to `retries` times, with the same key and no more than `delay`.

    It makes nothing worse by itself: it multiplies what another fault does. The first attempt is the client's; the
    retries are the fault's own requests, so that they weigh on the system and not in its availability.
    """

    retries: int = Field(3, ge=1, le=20, description="at most so many more for each request")
    delay: Duration = Field("0s", description="between one's end and the next")

    def traffic(self) -> Traffic:
        """Other clients, not more."""
        return Traffic(retries=self.retries, delay=seconds(self.delay))

    def effect(self, gate: Gate) -> float | None:
        """The share of the badly answered requests that were sent again; all of them while none was answered badly."""
        if gate.due:
            return gate.sent / gate.due
        return 1.0 if gate.armed else None
