"""Pods have hardly any memory left: whoever asks for more may be killed for it."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from faultline.faults.base import PodTarget, SomePods

SLACK = 0.1


class MemoryPressure(SomePods):
    """Fills the container's memory up to `fill` percent of its limit and holds it until the end.

    An agent in the container holds it in small pieces, so that the kernel, if it has to kill somebody, takes the app:
    the biggest. Without a word from the injector for 3 s the agent lets it go.
    """

    outlives_injector: ClassVar[bool] = False

    fill: int = Field(90, ge=50, le=99, description="percent of the limit in use, the app's own included")

    async def apply(self, target: PodTarget) -> None:
        """Begins to fill at the moment; that takes some tenths of a second."""
        pods = await self.take(target)
        await target.agents(pods)
        found = await target.pressure(pods)
        await target.due()
        for pod, each in zip(pods, found, strict=True):
            await target.tell([pod], f"hold {each.limit * self.fill // 100}")

    async def revert(self, target: PodTarget) -> None:
        """Lets it go."""
        if pods := target.state.get("pods"):
            await target.tell(pods, "drop")
        await target.dismiss()

    async def felt(self, target: PodTarget) -> float | None:
        """The share of its limit that a container uses, by its own cgroup, while the agent holds some of it.

        Felt is what comes within 10% of `fill`.
        """
        if not target.state:
            return None
        found = await target.pressure(target.state["pods"])
        if not found:
            return 0.0
        used = [each.used / each.limit if each.held else 0.0 for each in found]
        mean = math.fsum(used) / len(used)
        return mean if mean >= self.fill / 100 - SLACK else 0.0
