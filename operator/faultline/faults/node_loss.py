"""A whole node is gone: every pod on it at once, and Kubernetes takes its time to notice."""

from __future__ import annotations

from typing import ClassVar

from faultline.faults.base import PodFault, PodTarget


class NodeLoss(PodFault):
    """Kills a node that runs pods of `service`, as by its power, and brings it back at the end.

    It takes a cluster of several nodes (`KIND_NODES=3 make up`) and chooses among the workers that run the service and
    nothing of the harness or the platform. A helper on the host does it, by its own clock, with a timer that brings the
    node back even without it. Pods on the node start again when it is back: for less than 5 minutes Kubernetes leaves
    them where they are.
    """

    clear_seconds: ClassVar[float] = 60.0

    async def apply(self, target: PodTarget) -> None:
        """Orders it early and waits for the moment and the helper's word. Raises NotReady (FL324, FL325)."""
        if not target.state:
            wanted = len(await target.running(self.service))
            node = await target.node_of(self.service)
            target.hit([node])
            await target.intend(node=node, wanted=wanted)
        await target.lose_node(target.state["node"])

    async def revert(self, target: PodTarget) -> None:
        """Takes the order back and waits until the node runs."""
        if target.state:
            await target.regain_node()

    async def felt(self, target: PodTarget) -> float | None:
        """The share of the service's pods that take no connection, by connecting to each."""
        if not target.state:
            return None
        return max(0.0, await target.missing(self.service, target.state["wanted"]))
