"""Nothing gets through an edge: data vanishes and connections stay open and silent, old ones and new ones."""

from __future__ import annotations

from pydantic import Field

from faultline.faults.base import SILENT_SECONDS, Direction, EdgeFault, Sample, Toxic, streams


class Partition(EdgeFault):
    """Drops `requests`, `replies` or `both`. With `replies` the dependency does its work and nobody hears of it.

    Connections that were silenced are closed when it ends: what they lost does not come back.
    """

    direction: Direction = Field("both", description="which way is cut")

    def toxics(self) -> dict[str, Toxic]:
        """A `timeout` toxic of 0 drops data and never closes the connection."""
        return {
            stream: Toxic(type="timeout", stream=stream, attributes={"timeout": 0})
            for stream in streams(self.direction)
        }

    def effect(self, sample: Sample, usual: float) -> bool:
        """Silence where the way past the edge answers, be it ended by the end of the fault."""
        return not sample.reached and sample.seconds - usual >= SILENT_SECONDS
