"""`Run`: one graded experiment. Its status is the record; times are Unix seconds unless a field says otherwise."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from faultline.api.base import Line, Model, Slug, Text
from faultline.names import MAX_SEED

SCORING_VERSION = "1"
PASS_MARK = 80


class Phase(StrEnum):
    """Where a run is."""

    QUEUED = "Queued"
    RESET = "Reset"
    SETTLE = "Settle"
    BASELINE = "Baseline"
    FAULT = "Fault"
    RECOVERY = "Recovery"
    DRAIN = "Drain"
    FINAL_READS = "FinalReads"
    GRADING = "Grading"
    DONE = "Done"


class Verdict(StrEnum):
    """Missing or doubtful data is never a pass."""

    PASS = "pass"  # noqa: S105 (a verdict)
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class RunSpec(Model):
    """`scenario` is the name of a Scenario object; the seed fixes targets, times, arrivals and data."""

    scenario: Slug
    seed: int = Field(1, ge=0, le=MAX_SEED)


class CodeRef(Model):
    """What was graded: the digest of code and values, and whose it is (flawed, solution, wrong/NAME, learner)."""

    digest: Line
    variant: Line = "learner"


class PhaseTimes(Model):
    """When a phase began and ended."""

    name: Line
    start: float
    end: float | None = None


class FaultStatus(Model):
    """One fault's life: planned, applied and reverted by the injector, observed and cleared by its probe."""

    name: Line
    type: Line
    edge: str = ""
    target: str = ""
    """What a fault on no edge hit, such as the names of pods."""
    held_out: bool = Field(False, alias="heldOut")
    """Chosen by the seed from what the lesson does not show; listed only once the run has ended."""
    planned_start: float = Field(alias="plannedStart")
    planned_end: float = Field(alias="plannedEnd")
    applied: float | None = None
    observed: float | None = None
    reverted: float | None = None
    cleared: float | None = None
    gap: float = 0.0
    """Seconds within the fault in which it was not on, because its Toxiproxy or the injector was being restarted."""
    depth: float | None = None
    """What the probe felt on the mean: seconds added by latency and the like, else the share of its requests hit."""
    error: str = ""

    @property
    def called(self) -> str:
        """Its type, with the word that it was held out where it was."""
        return f"held out: {self.type}" if self.held_out else self.type


class HeldOutStatus(Model):
    """The held-out faults of a run, before it may be told what they are: how many, and the SHA-256 of them."""

    faults: int
    sha256: Line


QUERY_LIMIT = 8000
"""Characters of one objective's query that a status keeps; 64 KiB hold the longest of them several times."""


class ObjectiveStatus(Model):
    """One objective as graded. `value` is None when there was no usable data, and `problem` says why."""

    name: Line
    measure: Line
    unit: str = ""
    query: str = Field("", max_length=QUERY_LIMIT)
    window: str = ""
    value: float | None = None
    target: float
    worst: float
    weight: float
    points: float = 0.0
    required: bool = False
    met: bool = False
    problem: str = ""
    reason: Text = ""


EXAMPLES = 3
SHOWN = 10
"""Counter-examples of a check, and operations of one of them, that a status keeps."""


class SeenOperation(Model):
    """One operation of a counter-example. `value` and `result` are JSON, cut where they are long; Unix seconds.

    One without `end` has no known end: it may have taken effect at any time after its start, or never.
    """

    op: Line
    start: float
    end: float | None = None
    outcome: Literal["ok", "failed", "unknown"]
    key: str = ""
    value: str = ""
    result: str = ""
    status: int | None = None
    session: str = ""
    token: float | None = None
    site: str = ""
    phase: str = ""
    note: str = ""


class CounterExample(Model):
    """The operations that prove a violation, in the order of time; `omitted` is how many more there are."""

    text: Text
    operations: list[SeenOperation] = Field(max_length=SHOWN)
    omitted: int = 0


class CheckStatus(Model):
    """One check over the whole history. `name` is its objective's; `problem` says why it is undecided."""

    name: Line
    check: Line
    result: Literal["holds", "violated", "undecided"]
    examined: int = 0
    unit: str = ""
    violations: int = 0
    problem: str = ""
    examples: list[CounterExample] = Field(default_factory=list, max_length=EXAMPLES)


class Summary(Model):
    """What two runs are compared by, over baseline, fault and recovery; latencies of answered requests, in seconds."""

    success_rate: float | None = Field(None, alias="successRate")
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    requests_per_second: float | None = Field(None, alias="requestsPerSecond")
    recovery_seconds: float | None = Field(None, alias="recoverySeconds")


STOPPED = "stopped on request"
"""How the reason of a run begins that somebody ended: no malfunction."""


class RunStatus(Model):
    """Written by the operator only; at most 64 KiB."""

    phase: Phase = Phase.QUEUED
    message: str = ""
    started: float | None = None
    ended: float | None = None
    mark: float | None = None
    """Start of the baseline; fault offsets count from the start of the fault phase."""
    code: CodeRef | None = None
    phases: list[PhaseTimes] = Field(default_factory=list, max_length=12)
    faults: list[FaultStatus] = Field(default_factory=list, max_length=50)
    held_out: HeldOutStatus | None = Field(None, alias="heldOut")
    objectives: list[ObjectiveStatus] = Field(default_factory=list, max_length=40)
    checks: list[CheckStatus] = Field(default_factory=list, max_length=30)
    reasons: list[str] = Field(default_factory=list, max_length=20)
    """Why the run is inconclusive, or what capped its score."""
    summary: Summary | None = None
    canary_scale: float | None = Field(None, alias="canaryScale")
    cpu_scale: float | None = Field(None, alias="cpuScale")
    """What CPU limits were multiplied by: this machine's CPU time for a piece of work over the reference machine's."""
    score: int | None = Field(None, ge=0, le=100)
    verdict: Literal["pass", "fail", "inconclusive"] | None = None
    scoring: str = SCORING_VERSION

    @property
    def stopped(self) -> bool:
        """Whether somebody ended it before its time."""
        return any(each.startswith(STOPPED) for each in self.reasons)
