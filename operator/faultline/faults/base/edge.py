"""Faults on an edge: toxics on its Toxiproxy, or packets dropped; proven by the probe on the edge."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, Protocol

from faultline.api.sample import Sample
from faultline.api.toxic import Toxic
from faultline.faults.base.fault import Family, Fault

Direction = Literal["both", "requests", "replies"]
Stream = Literal["upstream", "downstream"]

SILENT_SECONDS = 0.15
"""An answer that is this much later than past the edge is not coming."""


class EdgeTarget(Protocol):
    """What the injector offers a fault: the edge it names, on this injector's own Toxiproxy process."""

    @property
    def edge(self) -> str:
        """The edge's name."""

    @property
    def fault(self) -> str:
        """The fault's unique name within the run: toxics carry it, so faults on one edge do not disturb each other."""

    async def add(self, toxics: Mapping[str, Toxic]) -> None:
        """Put toxics on the edge, each named `fault.suffix` by its suffix; there already counts as done."""

    async def remove(self, suffixes: Iterable[str]) -> None:
        """Take them off again; absent already counts as done."""

    async def cut(self) -> None:
        """Reset every connection that clients have open on the edge (RST)."""

    async def drop(self) -> None:
        """Drop every packet between clients and the edge, from now on."""

    async def undrop(self) -> None:
        """Let them through again; not dropped counts as done."""


class EdgeFault(Fault):
    """A fault that is a set of toxics on one edge."""

    family: ClassVar[Family] = "edge"
    question: ClassVar[Literal["plain", "bulk", "closing"]] = "plain"
    """What the probe asks so that the fault can be felt: something small, something large, or to close."""

    @abstractmethod
    def effect(self, sample: Sample, usual: float) -> bool:
        """Whether a probe's request through the edge shows this fault; past the edge it takes `usual` seconds."""

    def measure(self, sample: Sample, usual: float) -> float:
        """1 for a request that shows it, so that the mean is the share of requests hit."""
        return float(self.effect(sample, usual))

    @abstractmethod
    def toxics(self) -> dict[str, Toxic]:
        """The toxics by suffix."""

    async def apply(self, target: EdgeTarget) -> None:
        """Add all toxics."""
        await target.add(self.toxics())

    async def revert(self, target: EdgeTarget) -> None:
        """Remove all toxics."""
        await target.remove(self.toxics())


def streams(direction: Direction) -> list[Stream]:
    """Toxiproxy's names for `requests`, `replies` or `both`."""
    found: dict[Direction, list[Stream]] = {
        "requests": ["upstream"],
        "replies": ["downstream"],
        "both": ["upstream", "downstream"],
    }
    return found[direction]
