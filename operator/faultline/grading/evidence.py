"""What the operator knows about a finished run when it asks for the grade; everything else comes from Prometheus."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from faultline import names
from faultline.api.base import Model, seconds
from faultline.api.run import CheckStatus, FaultStatus
from faultline.measures.base import Context, Disturbance
from faultline.scenario import ScenarioSpec

SCALE_LIMITS = (1.0, 4.0)
"""Targets are written for the reference machine: a faster one is not asked for more, and of one that is four times
slower nothing can be said (see validity/canary.py)."""
CPU_SCALE_LIMITS = (0.2, 2.0)
"""A machine five times as fast has nobody looked at; of one that is half as fast see validity/cpu_scale.py."""


class _FromLoad(Model):
    # The load generator may say more than the grader needs.
    model_config = ConfigDict(extra="ignore", populate_by_name=True, frozen=True)


class Canary(_FromLoad):
    """The canary on the idle lab: seconds, and how many times slower than on the reference machine."""

    p50: float | None = None
    p95: float | None = None
    scale: float | None = None


class Health(_FromLoad):
    """The generator itself: how late it dispatched (seconds), its share of its CPU core (0 to 1), arrivals.

    `locust_requests` and `locust_failures` are what Locust's own statistics have.
    """

    late_p99: float | None = None
    late_max: float | None = None
    cpu: float | None = None
    dispatched: int | None = None
    planned: int | None = None
    locust_requests: int | None = None
    locust_failures: int | None = None


class LoadReport(_FromLoad):
    """What the load generator answers to GET /runs/RUN; `counts` is {operation: {outcome: requests}}."""

    state: str
    error: str | None = None
    canary: Canary | None = None
    health: Health | None = None
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)


class Evidence(Model):
    """One finished run. `scenario` is the Scenario object's name; times are Unix seconds.

    `windows` has each phase's (start, end); `end` is when the data was complete in Prometheus, as `wait_complete`
    gives it. `problems` are the operator's own doubts, such as code that changed during the run. `checks` has one entry
    for each objective that names a check, in their order. `cpu_scale` is what the CPU limits were multiplied by.
    """

    run: str
    scenario: str
    windows: dict[str, tuple[float, float]]
    end: float
    load: LoadReport | None
    faults: list[FaultStatus] = Field(default_factory=list)
    problems: list[str] = Field(default_factory=list)
    checks: list[CheckStatus] = Field(default_factory=list)
    cpu_scale: float = 1.0

    @property
    def loaded(self) -> tuple[float, float]:
        """Start of the baseline to the end of the recovery."""
        return self.windows["baseline"][0], self.windows["recovery"][1]

    @property
    def healed(self) -> float | None:
        """When the last fault was gone, by its probe where that saw it; None without faults."""
        ends = [each.cleared or each.reverted or each.planned_end for each in self.faults if each.type != "none"]
        return max(ends, default=None)

    def scale(self) -> float:
        """The canary's scale within SCALE_LIMITS; 1 when there is none, which the validity rules report."""
        found = self.load.canary.scale if self.load and self.load.canary else None
        low, high = SCALE_LIMITS
        return min(high, max(low, found)) if found is not None and found == found else 1.0

    def context(self, spec: ScenarioSpec) -> Context:
        """What the measures' queries may refer to."""
        return Context(
            run=self.run,
            scenario=self.scenario,
            lab_namespace=names.lab_namespace(self.scenario),
            harness_namespace=names.harness_namespace(self.scenario),
            windows=self.windows,
            end=self.end,
            deadline=seconds(spec.load.deadline),
            canary_scale=self.scale(),
            cpu_scale=self.cpu_scale,
            faults=[
                Disturbance(
                    name=each.name,
                    edge=each.edge,
                    start=each.applied or each.planned_start,
                    end=each.reverted or each.planned_end,
                )
                for each in self.faults
            ],
        )
