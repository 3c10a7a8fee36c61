"""Every fault, of whatever family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self

from faultline.api.base import Model

Family = Literal["edge", "pod", "postgres", "redis", "traffic", "clock", "none"]
Part = Literal["service", "postgres", "postgres-replica", "redis", "pgbouncer"]


class Reference(NamedTuple):
    """Something in the lab that a fault acts on: a service by name, or a data store that the lab has to have."""

    part: Part
    name: str = ""
    field: str = ""
    """The parameter that names it; empty for a data store, which no parameter names."""


class Parts(NamedTuple):
    """What a lab has."""

    services: frozenset[str]
    stores: frozenset[str]


class Target(Protocol):
    """What the injector offers every fault but those on edges; each family's own Target has more."""

    @property
    def fault(self) -> str:
        """The fault's unique name within the run."""

    @property
    def random(self) -> Random:
        """For the choice of targets: made anew from the fault's seed each time it is asked for."""

    @property
    def state(self) -> dict[str, Any]:
        """What was put on record by `intend`, also by an injector before this one; empty before."""

    async def intend(self, **state: Any) -> None:
        """Put on disk what is about to be done and what undoing it takes; returns when it is there."""

    def hit(self, names: list[str]) -> None:
        """Note what was chosen, for the run's record."""

    async def due(self) -> None:
        """Wait for the moment at which the change has to be made; what takes long comes before.

        Raises when the plan ends meanwhile: there is nothing to do any more but to revert.
        """


class Fault(Model, ABC):
    """One disturbance. Class attributes say what it acts on."""

    family: ClassVar[Family]
    stores: ClassVar[tuple[Part, ...]] = ()
    """The data stores that the lab has to have."""
    service_fields: ClassVar[tuple[str, ...]] = ()
    """The parameters that name a service."""
    outlives_injector: ClassVar[bool] = False
    """Whether it stays on while the injector is being restarted, so that this leaves no gap in it."""

    @abstractmethod
    async def apply(self, target: Any) -> None:
        """Start the disturbance; `target` is its family's Target.

        When it is called again (the next window, or by a restarted injector, which finds `target.state` from before)
        what is on already counts as done.
        """

    @abstractmethod
    async def revert(self, target: Any) -> None:
        """End it; safe to call again, and when `apply` did only half. It is tried again until it succeeds."""

    def windows(self, length: float) -> list[tuple[float, float]]:
        """When it is on, as seconds after its start; one window as long as the fault, unless it comes and goes."""
        return [(0.0, length)]

    def over(self, length: float) -> float:
        """When it goes for the last time, in seconds after its start."""
        return self.windows(length)[-1][1]

    def on_machine(self, scale: float) -> Self:
        """The fault where pods have `scale` times the CPU that their scenario says: another one if it counts in cores.

        Cores of a slower machine do less, so that its pods have more of them.
        """
        return self

    def references(self) -> list[Reference]:
        """What has to be in the lab."""
        named = [Reference("service", getattr(self, field), field) for field in self.service_fields]
        return [Reference(part) for part in self.stores] + [each for each in named if each.name]


class FeltFault(Fault):
    """A fault on no edge: it says itself whether it is felt."""

    outlives_injector: ClassVar[bool] = True
    clear_seconds: ClassVar[float] = 5.0
    """How long after its end it may still be felt; what is not gone by then has no cleared time."""

    @abstractmethod
    async def felt(self, target: Any) -> float | None:
        """How much it is felt on the data path now (0: not at all); None where that cannot be judged.

        Asked ten times a second from shortly before the start, when it can learn what is usual, until it gives 0 after
        the end. It measures what a client would feel, never what was asked for, and takes no longer than a second.
        """


def unmet(fault: Fault, parts: Parts) -> Iterator[tuple[str, str, str]]:
    """What a fault refers to and the lab does not have: the parameter (empty for the fault itself), rule, value."""
    for reference in fault.references():
        if reference.part != "service":
            if reference.part not in parts.stores:
                has = ", ".join(sorted(parts.stores)) or "no data store"
                yield "", f"needs {reference.part} in the app", has
        elif reference.name not in parts.services:
            yield reference.field, f"must be one of {', '.join(sorted(parts.services))}", reference.name
