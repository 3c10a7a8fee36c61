"""The injector's API, as docs/architecture.md has it. One client per lab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from faultline import names
from faultline.api.base import Model
from faultline.api.run import FaultStatus
from faultline.clients.http import Http, Refused, service_url
from faultline.errors import Unreachable

RESET_SECONDS = 60.0
"""Longer than the injector tries itself: it says best what is in the way."""
READY_SECONDS = 5.0


class PlannedFault(Model):
    """One fault as the injector wants it; start and end in Unix seconds, the seed for the choice of its targets."""

    name: str
    type: str
    edge: str
    start: float
    end: float
    seed: int = 0
    params: dict[str, Any] = Field(default_factory=dict)
    held_out: bool = False
    """Its metrics do not say what it is."""


class InjectorState(Model):
    """What the injector is doing; `run` is the run whose plan it holds.

    `stopped`: somebody ended that plan before its time, by `POST /stop`.
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True, frozen=True)

    run: str | None = None
    stopped: bool = False
    faults: list[FaultStatus] = Field(default_factory=list)
    edges: dict[str, Any] = Field(default_factory=dict)


class Injector(Http):
    """The injector of one lab."""

    @classmethod
    def of(cls, scenario: str, token: str) -> Injector:
        """The injector in the harness of `scenario`."""
        return cls(service_url("edges", names.harness_namespace(scenario), names.INJECTOR_PORT), token)

    async def state(self) -> InjectorState:
        """Edges, plan, and each fault's life so far. Raises Unreachable (FL627) for an answer of another version."""
        answer = await self.call("GET", "/state")
        try:
            return InjectorState.model_validate(answer)
        except ValidationError as error:
            message = f"{self.base_url} is an injector of another version: {error.error_count()} fields do not fit"
            raise Unreachable("FL627", message, "make up: it brings the labs' harness up to date") from error

    async def put_plan(self, run: str, faults: Sequence[PlannedFault], lease_seconds: float) -> None:
        """Hand over a run's faults in one piece. Raises Refused: 409 while another run's plan lives, 422 if wrong."""
        plan = {"run": run, "lease_seconds": lease_seconds, "faults": [each.model_dump() for each in faults]}
        await self.call("PUT", "/plan", plan)

    async def renew(self, run: str) -> bool:
        """Renew the lease; False when the injector has no plan of that run any more."""
        try:
            await self.call("POST", "/lease", {"run": run}, seconds=1.0)
        except Refused as refused:
            if refused.status == 404:
                return False
            raise
        return True

    async def end_plan(self, run: str) -> list[FaultStatus]:
        """End the run's faults; their final states. Empty when there is no such plan."""
        try:
            answer = await self.call("DELETE", f"/plan/{run}", seconds=5.0)
        except Refused as refused:
            if refused.status == 404:
                return []
            raise
        found = answer.get("faults", []) if isinstance(answer, dict) else answer
        return [FaultStatus.model_validate(each) for each in found or []]

    async def stop(self) -> list[str]:
        """End everything; the names of what was ended."""
        answer = await self.call("POST", "/stop", seconds=4.0)
        return [str(each) for each in (answer or {}).get("ended", [])]

    async def reset(self) -> float:
        """Restore the seed data and clean edges; how long it took."""
        answer = await self.call("POST", "/reset", seconds=RESET_SECONDS)
        return float((answer or {}).get("seconds", 0))

    async def problems(self) -> list[str]:
        """Edges and data stores that are not clean and answering; empty when all are."""
        try:
            await self.call("GET", "/ready", seconds=READY_SECONDS)
        except Refused as refused:
            if refused.status == 503:
                return [str(each) for each in refused.body.get("problems", [])] or [refused.message]
            raise
        return []
