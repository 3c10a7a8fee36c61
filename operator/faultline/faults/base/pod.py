"""Faults on the pods of a service: what they are told apart by, and what the injector does for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from pydantic import Field, model_validator

from faultline.api.base import Slug
from faultline.faults.base.fault import Family, FeltFault, Target

Json = dict[str, Any]


class Pressure(NamedTuple):
    """What a container's own cgroup says: bytes, and of late the share of time in which its quota held it up."""

    used: int
    limit: int
    held: bool
    """Whether it is us who hold some of its memory."""
    throttled: float
    quota: float
    """Cores; infinite without a limit."""


class PodTarget(Target, Protocol):
    """The pods of the lab, and the Deployments that make them.

    What cannot be reached raises Unreachable, and `revert` is then tried again; a pod that is gone counts as reverted.
    """

    async def running(self, service: str) -> list[str]:
        """The names of a service's pods that run and are not going away, the oldest first."""

    async def take(self, service: str, count: int | None, percent: float | None, skip: int = 0) -> list[str]:
        """Choose pods by the seed, none that another fault has, and note them; `skip` is for later draws.

        Raises Conflict (FL423) when that is more than the service's maxUnavailable allows, NotFound (FL223) for none.
        """

    async def agents(self, pods: Sequence[str]) -> None:
        """Have an agent ready in each of these pods: it lets everything go by itself when the injector is gone."""

    async def tell(self, pods: Sequence[str], order: str) -> list[int]:
        """Give the pods' agents an order; their answers, 0 for a pod that is gone."""

    async def dismiss(self) -> None:
        """End the agents, which lets go of what they held."""

    async def delete(self, pods: Sequence[str]) -> None:
        """Delete pods at once, without a grace period; gone already counts as done."""

    async def limit_cpu(self, pods: Sequence[str], cpu: str) -> None:
        """Give pods another CPU limit in place, and have each remember its own."""

    async def unlimit_cpu(self, pods: Sequence[str]) -> None:
        """Give pods their own CPU limit again."""

    async def deployment(self, service: str) -> Json:
        """The service's Deployment."""

    async def allow(self, service: str, count: int) -> None:
        """Raises Conflict (FL423) when so many of its pods may not be taken by faults at once (maxUnavailable)."""

    async def change(self, service: str, operations: Sequence[Json], undo: Sequence[Json]) -> None:
        """Change the Deployment by a JSON patch, and have it remember the one that undoes it; changed counts as done.

        Raises Conflict (FL424) when it is another fault's already.
        """

    async def restore(self, service: str) -> None:
        """Undo `change`; not changed counts as done."""

    async def node_of(self, service: str) -> str:
        """A node that runs pods of the service and not this injector, by the seed. Raises NotReady (FL324) for none."""

    async def lose_node(self, node: str) -> None:
        """Order a node to be gone from the moment until the fault's end, and wait until it is.

        Raises NotReady (FL325) when nobody on the host takes the order, or refuses it.
        """

    async def regain_node(self) -> None:
        """Have the node back now; one that is back already counts as done."""

    async def missing(self, service: str, wanted: int) -> float:
        """The share of `wanted` pods that take no connections; negative when there are more than that."""

    async def silent(self, pods: Sequence[str]) -> float | None:
        """The share of these pods that accept a request and leave it without an answer; None until it is known."""

    async def pressure(self, pods: Sequence[str]) -> list[Pressure]:
        """What the pods' cgroups say, by their agents; pods that are gone are left out."""


class PodFault(FeltFault):
    """A fault on pods of one service."""

    family: ClassVar[Family] = "pod"
    service_fields: ClassVar[tuple[str, ...]] = ("service",)
    replaces_pods: ClassVar[bool] = False
    """Whether pods come and go by it, or their Deployment changes: that is then no sign that somebody sent new code."""

    service: Slug = Field(description="whose pods")


class SomePods(PodFault):
    """A fault on one, some or a percentage of a service's pods, chosen by the run's seed."""

    pods: int | None = Field(
        None, ge=1, le=10, description="how many of its pods; one when percent is not given either"
    )
    percent: int | None = Field(None, ge=1, le=100, description="how many of its pods in 100, rounded up")

    @model_validator(mode="after")
    def _pods_or_percent(self) -> Self:
        if self.pods is not None and self.percent is not None:
            raise ValueError(f"must have pods or percent, not both, got {self.pods} and {self.percent}")
        return self

    async def take(self, target: PodTarget) -> list[str]:
        """The pods on record, chosen now when there are none yet."""
        if not target.state:
            wanted = len(await target.running(self.service))
            chosen = await target.take(self.service, self.pods, self.percent)
            await target.intend(pods=chosen, wanted=wanted)
        return list(target.state["pods"])
