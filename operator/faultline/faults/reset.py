"""Connections are reset: open ones at once with a real RST, new ones as soon as they are used."""

from __future__ import annotations

from faultline.faults.base import EdgeFault, EdgeTarget, Outcome, Sample, Toxic


class Reset(EdgeFault):
    """Every connection of the edge ends with RST while it lasts; no request gets through."""

    def toxics(self) -> dict[str, Toxic]:
        """`reset_peer` on what clients send: it closes with RST, but only connections that were opened after it."""
        return {"peer": Toxic(type="reset_peer", stream="upstream", attributes={"timeout": 0})}

    async def apply(self, target: EdgeTarget) -> None:
        """Resets what is open, makes new connections reset, and catches those that were opened in between."""
        await target.cut()
        await super().apply(target)
        await target.cut()

    def effect(self, sample: Sample, usual: float) -> bool:
        """The connection is reset; a data store's library may call that a closed one."""
        return sample.outcome in (Outcome.RESET, Outcome.CLOSED, Outcome.REFUSED)
