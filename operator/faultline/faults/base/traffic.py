"""Faults made of traffic: the load generator plans them ahead, and the injector holds their gates open."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Protocol

from faultline.api.traffic import Gate, Traffic
from faultline.faults.base.fault import Family, FeltFault, Target

RECENT_SECONDS = 0.3
"""A request that was sent this long before is not being sent any more."""


class TrafficTarget(Target, Protocol):
    """What the injector offers: the fault's gate at the load generator."""

    async def open(self) -> None:
        """Let the fault's traffic through, and keep doing so; arrivals keep to the plan's times by themselves."""

    async def shut(self) -> None:
        """Let none through any more; closed already counts as done."""

    async def gate(self) -> tuple[Gate, float] | None:
        """How it stands, and the time now (Unix seconds); None when the load generator does not say."""


class TrafficFault(FeltFault):
    """A fault that is more or other traffic. Arrivals are part of the run's load plan, and so exact and seeded."""

    family: ClassVar[Family] = "traffic"
    outlives_injector: ClassVar[bool] = False

    @abstractmethod
    def traffic(self) -> Traffic:
        """What it asks of the load generator."""

    def effect(self, gate: Gate) -> float | None:
        """How much of the effect that was due by now was sent."""
        return gate.sent / gate.due if gate.due else None

    async def apply(self, target: Any) -> None:
        """Open the gate a little early: nothing of the fault is planned before its start."""
        await target.open()
        await target.due()

    async def revert(self, target: Any) -> None:
        """Close the gate."""
        await target.shut()

    async def felt(self, target: Any) -> float | None:
        """The share of its planned requests that the load generator really sent, counted as they leave on the wire."""
        found = await target.gate()
        if found is None:
            return None
        gate, now = found
        if gate.until > now:
            return self.effect(gate)
        return float(gate.last > now - RECENT_SECONDS)
