"""The dependency's host is gone without a word: packets vanish, and not even a connection comes about."""

from __future__ import annotations

from faultline.faults.base import SILENT_SECONDS, EdgeFault, EdgeTarget, Sample, Toxic


class Blackhole(EdgeFault):
    """Drops every packet of the edge, both ways, by nftables in the harness' own network.

    Unlike with `partition`, where connections are accepted and silent, a client hangs in connecting, for which it needs
    a time-out of its own. Open connections are silent and go on afterwards, when TCP sends again what was lost. Should
    the injector die, the kernel ends it by itself within 3 s.
    """

    def toxics(self) -> dict[str, Toxic]:
        """None: it acts below the proxy."""
        return {}

    async def apply(self, target: EdgeTarget) -> None:
        """Begins to drop."""
        await target.drop()

    async def revert(self, target: EdgeTarget) -> None:
        """Lets packets through again."""
        await target.undrop()

    def effect(self, sample: Sample, usual: float) -> bool:
        """Silence where the way past the edge answers, even if an answer comes in the end."""
        return sample.seconds - usual >= SILENT_SECONDS
