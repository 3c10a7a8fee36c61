"""Nothing gets through an edge: packets vanish, connections stay open and silent, as in a real partition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faultline.faults.base import EdgeFault, Toxic


class Partition(EdgeFault):
    """Drops `requests`, `replies` or `both`. With `replies` the dependency does its work and nobody hears of it."""

    direction: Literal["both", "requests", "replies"] = Field("both", description="which way is cut")

    def toxics(self) -> dict[str, Toxic]:
        """A `timeout` toxic of 0 drops data and never closes the connection."""
        streams = {"requests": ["upstream"], "replies": ["downstream"], "both": ["upstream", "downstream"]}
        return {
            stream: Toxic(type="timeout", stream=stream, attributes={"timeout": 0})
            for stream in streams[self.direction]
        }
