"""The dependency does its work, but its reply is lost and the connection cut: nobody knows whether it was done."""

from __future__ import annotations

from faultline.faults.base import EdgeFault, Outcome, Sample, Toxic


class RepliesLost(EdgeFault):
    """Requests get through; the first byte of a reply closes the connection instead of arriving.

    A client that tries again does the work twice, unless both sides know that it is the same request.
    """

    def toxics(self) -> dict[str, Toxic]:
        """`limit_data` of 0 bytes on the replies: it closes when there is something to let through."""
        return {"replies": Toxic(type="limit_data", stream="downstream", attributes={"bytes": 0})}

    def effect(self, sample: Sample, usual: float) -> bool:
        """The connection ends instead of an answer."""
        return sample.outcome in (Outcome.CLOSED, Outcome.RESET)
