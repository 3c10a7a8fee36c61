"""The load generator's API, as docs/architecture.md has it. One client per lab."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from faultline import names
from faultline.api.base import Model
from faultline.api.traffic import Gate
from faultline.clients.http import Http, Refused, service_url

PREPARE_SECONDS = 20.0
HISTORY_SECONDS = 30.0


class LoadPlan(Model):
    """What a run asks for: `stages` have `at` and `rate`, `windows` are seconds after the start mark.

    `faults` are those made of traffic: name, start, end, seed, and the fields of Traffic.
    """

    scenario: str
    seed: int
    load_py: str
    target: str
    canary: str
    stages: list[dict[str, Any]]
    deadline: float
    windows: dict[str, tuple[float, float]]
    fault_end: float
    faults: list[dict[str, Any]] = Field(default_factory=list)


class LoadState(Model):
    """Where the generator is with a run."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, frozen=True)

    state: str
    error: str | None = None
    canary: dict[str, Any] | None = None
    health: dict[str, Any] | None = None
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)


class LoadGenerator(Http):
    """The load generator of one lab."""

    @classmethod
    def of(cls, scenario: str, token: str) -> LoadGenerator:
        """The load generator in the harness of `scenario`."""
        return cls(service_url("loadgen", names.harness_namespace(scenario), names.LOADGEN_PORT), token)

    async def prepare(self, run: str, plan: LoadPlan) -> None:
        """Measure the canary, compute the schedule, start Locust's process. Raises Refused when it cannot."""
        await self.call("PUT", f"/runs/{run}", plan.model_dump(mode="json"), seconds=PREPARE_SECONDS)

    async def start(self, run: str, mark: float) -> None:
        """`mark`: Unix seconds at which the baseline starts."""
        await self.call("POST", f"/runs/{run}/start", {"mark": mark})

    async def state(self, run: str) -> LoadState:
        """Where it is."""
        return LoadState.model_validate(await self.call("GET", f"/runs/{run}"))

    async def gate(self, run: str, fault: str, *, seconds: float) -> Gate:
        """How a traffic fault's gate stands. Raises Refused: 404 when there is no such run or fault."""
        return Gate.model_validate(await self.call("GET", f"/runs/{run}/faults/{fault}", seconds=seconds))

    async def move_gate(self, run: str, fault: str, until: float, *, seconds: float) -> Gate:
        """Open a traffic fault's gate until then (Unix seconds), or close it. Raises Refused as `gate` does."""
        body = {"until": until}
        return Gate.model_validate(await self.call("POST", f"/runs/{run}/faults/{fault}", body, seconds=seconds))

    async def history(self, run: str) -> bytes:
        """The gzip'd history, one request a line."""
        return await self.download(f"/runs/{run}/history", seconds=HISTORY_SECONDS)

    async def discard(self, run: str) -> None:
        """Stop at once; unknown already counts as done."""
        try:
            await self.call("DELETE", f"/runs/{run}", seconds=5.0)
        except Refused as refused:
            if refused.status != 404:
                raise
