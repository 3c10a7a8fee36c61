"""Pods die without a word: no grace period, requests in flight are lost, others take their place."""

from __future__ import annotations

from typing import ClassVar

from faultline.faults.base import PodTarget, SomePods


class Kill(SomePods):
    """SIGKILL for the app, and its pod is deleted in the same breath, so that a fresh one follows and no restart.

    It happens once, at its start. There is nothing to undo: the Deployment makes new pods as fast as it can, which the
    end of the fault does not wait for.
    """

    replaces_pods: ClassVar[bool] = True
    clear_seconds: ClassVar[float] = 30.0

    async def apply(self, target: PodTarget) -> None:
        """Kills at the moment; pods that are gone already count as killed."""
        pods = await self.take(target)
        await target.agents(pods)
        await target.due()
        await target.tell(pods, "kill")
        await target.delete(pods)

    async def revert(self, target: PodTarget) -> None:
        """Nothing to undo."""
        await target.dismiss()

    async def felt(self, target: PodTarget) -> float | None:
        """The share of the service's pods that take no connection, by connecting to each."""
        if not target.state:
            return None
        return max(0.0, await target.missing(self.service, target.state["wanted"]))
