"""A service has other pods than it should: somebody scaled it, or an autoscaler did the wrong thing."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from faultline.faults.base import PodFault, PodTarget


class Scale(PodFault):
    """Scales the service's Deployment to `replicas` and back to what it was.

    Pods that go get their grace period, as always; new ones need their time to start.
    """

    replaces_pods: ClassVar[bool] = True
    clear_seconds: ClassVar[float] = 30.0

    replicas: int = Field(ge=0, le=10, description="how many pods it has meanwhile")

    async def apply(self, target: PodTarget) -> None:
        """Scales at the moment; the Deployment itself remembers what it was."""
        if not target.state:
            usual = (await target.deployment(self.service))["spec"]["replicas"]
            await target.allow(self.service, usual - self.replicas)
            target.hit([f"deployment/{self.service}: {usual} -> {self.replicas}"])
            await target.intend(replicas=usual)
        await target.due()
        change, undo = (
            {"op": "replace", "path": "/spec/replicas", "value": each}
            for each in (self.replicas, target.state["replicas"])
        )
        await target.change(self.service, [change], [undo])

    async def revert(self, target: PodTarget) -> None:
        """Scales back."""
        if target.state:
            await target.restore(self.service)

    async def felt(self, target: PodTarget) -> float | None:
        """The share of the service's usual pods that take no connection, or that there are too many."""
        if not target.state:
            return None
        return abs(await target.missing(self.service, target.state["replicas"]))
