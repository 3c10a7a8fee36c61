"""Pods get less CPU than they need: a limit set too low, or a neighbour that takes it."""

from __future__ import annotations

import math
from typing import ClassVar, Self

from pydantic import Field, model_validator

from faultline.api.app import Cpu
from faultline.api.cpu import LEAST_MILLIS, millis, scaled
from faultline.faults.base import PodTarget, SomePods

FELT_SHARE = 0.02


class CpuThrottle(SomePods):
    """Gives pods another CPU limit in place, without a restart, and their own again at the end.

    The pod itself remembers its own limit. Where the app does not need more than `cpu`, nothing is felt, and the run
    says so.
    """

    outlives_injector: ClassVar[bool] = True

    cpu: Cpu = Field(description="the limit of each pod meanwhile, 10m or more; scaled to the machine as its own is")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if millis(self.cpu) < LEAST_MILLIS:
            raise ValueError(f"cpu must be at least {LEAST_MILLIS}m, got {self.cpu}")
        return self

    def on_machine(self, scale: float) -> Self:
        """As much less than the pods' own limit, which is scaled, too."""
        return self.model_copy(update={"cpu": scaled(self.cpu, scale)})

    async def apply(self, target: PodTarget) -> None:
        """Resizes at the moment."""
        pods = await self.take(target)
        await target.agents(pods)
        await target.due()
        await target.limit_cpu(pods, self.cpu)

    async def revert(self, target: PodTarget) -> None:
        """Resizes back."""
        if pods := target.state.get("pods"):
            await target.unlimit_cpu(pods)

    async def felt(self, target: PodTarget) -> float | None:
        """The share of time in which the kernel holds the pods' processes up, while the low quota is in force.

        Both are read from their own cgroup, which is what acts on them. Felt is 2% and more.
        """
        if not target.state:
            return None
        found = await target.pressure(target.state["pods"])
        if not found:
            return 0.0
        low = millis(self.cpu) / 1000
        mean = math.fsum(each.throttled for each in found if each.quota <= low * 1.01) / len(found)
        if any(each.quota <= low * 1.01 for each in found):
            return mean if mean >= FELT_SHARE else None
        return 0.0
