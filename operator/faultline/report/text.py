"""The report as plain rows, for the CLI and for the page: what was measured, and where points were lost."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from faultline.api.run import STOPPED, CheckStatus, ObjectiveStatus, Phase, RunStatus, Summary
from faultline.checks import CHECKS
from faultline.grading.validity.base import AGAIN
from faultline.grading.verdict import proven
from faultline.measures import MEASURES
from faultline.report.quantity import NONE, quantity
from faultline.report.record import RunRecord


@dataclass(frozen=True)
class Row:
    """One line of the comparison: a value for each run; `best` is the place of the better one, if one is."""

    label: str
    values: list[str]
    best: int | None = None


@dataclass(frozen=True)
class Lost:
    """An objective that did not get all its points."""

    objective: str
    required: bool
    points: float
    weight: float
    query: str
    window: str
    expected: str
    seen: str
    principle: str


_SUMMARY: list[tuple[str, str, Literal["higher", "lower"], Callable[[Summary], float | None]]] = [
    ("Success rate", "ratio", "higher", lambda each: each.success_rate),
    ("Latency p50", "s", "lower", lambda each: each.p50),
    ("Latency p95", "s", "lower", lambda each: each.p95),
    ("Latency p99", "s", "lower", lambda each: each.p99),
    ("Answered well", "requests/s", "higher", lambda each: each.requests_per_second),
    ("Recovery time", "s", "lower", lambda each: each.recovery_seconds),
]


def comparison(records: Sequence[RunRecord]) -> list[Row]:
    """Score, verdict and summary of each run, in the order given."""
    scores = [each.status.score for each in records]
    rows = [
        Row("Score", ["none" if each is None else str(each) for each in scores], _best(scores, "higher")),
        Row("Verdict", [each.status.verdict or "not graded" for each in records]),
    ]
    for label, unit, better, pick in _SUMMARY:
        values = [pick(each.status.summary) if each.status.summary else None for each in records]
        rows.append(Row(label, [quantity(each, unit) for each in values], _best(values, better)))
    return rows


def _best(values: Sequence[float | None], better: Literal["higher", "lower"]) -> int | None:
    known = {place: value for place, value in enumerate(values) if value is not None}
    if len(known) < 2 or len(set(known.values())) == 1:
        return None
    pick = max if better == "higher" else min
    return pick(known, key=lambda place: known[place])


def by_history_alone(status: RunStatus) -> bool:
    """Whether it failed by what its history proves, and nothing else that it measured is to be trusted."""
    return status.verdict == "fail" and status.score is None


def missed(status: RunStatus) -> list[ObjectiveStatus]:
    """The objectives that are known to be missed, and that the verdict rests on."""
    known = proven(status.objectives) if by_history_alone(status) else status.objectives
    return [each for each in known if each.value is not None and not each.met]


def lost_points(record: RunRecord) -> list[Lost]:
    """Every objective that is short of its target or has no value, the largest loss first.

    Of a run that fails without a score those that its history proves to be missed.
    """
    status = record.status
    short = missed(status) if by_history_alone(status) else [each for each in status.objectives if not each.met]
    return [_lost(each) for each in sorted(short, key=lambda each: each.points - each.weight)]


def _lost(objective: ObjectiveStatus) -> Lost:
    return Lost(
        objective=objective.name,
        required=objective.required,
        points=objective.points,
        weight=objective.weight,
        query=objective.query,
        window=objective.window,
        expected=expected(objective),
        seen=seen(objective),
        principle=objective.reason,
    )


def expected(objective: ObjectiveStatus) -> str:
    """The target with its direction, and where the points end."""
    if objective.measure in CHECKS:
        return "no violation"
    higher = objective.target > objective.worst
    target, worst = quantity(objective.target, objective.unit), quantity(objective.worst, objective.unit)
    return f"{'at least' if higher else 'at most'} {target} (no points {'below' if higher else 'above'} {worst})"


def seen(objective: ObjectiveStatus) -> str:
    """The value, or why there is none."""
    if objective.value is None:
        return objective.problem or NONE
    if objective.measure in CHECKS and objective.value <= 1:
        return "1 violation" if objective.value else "no violation"
    return quantity(objective.value, objective.unit)


def check_gist(check: CheckStatus) -> str:
    """What a check came to, in one sentence."""
    looked = f"{check.examined:,} {check.unit} examined"
    match check.result:
        case "holds":
            return f"Holds: {looked}."
        case "violated":
            count = "one violation" if check.violations == 1 else f"{check.violations:,} violations"
            unknown = f" Beyond that it cannot tell: {check.problem}." if check.problem else ""
            return f"Violated: {count}, {looked}.{unknown}"
    return f"Undecided: {check.problem or 'nothing to look at'}; {looked}."


_CODE = re.compile(r"(FL\d{3}): ")


def reasons(record: RunRecord) -> list[str]:
    """Why a run is inconclusive, each with what to do about it, or what capped its score.

    A rule that doubts a run says itself what to do. What ended the run before it could be graded does not.
    """
    status = record.status
    if status.verdict != "inconclusive":
        return status.reasons
    return [_with_step(each) for each in status.reasons]


def _with_step(reason: str) -> str:
    if code := _CODE.match(reason):
        return f"{reason}; see {code[1]} in docs/errors.md, then {AGAIN}"
    if reason.startswith(STOPPED) or "; " not in reason:
        return f"{reason}; {AGAIN}"
    return reason


def gist(record: RunRecord) -> str:
    """What a run came to in one sentence; empty when there is no summary."""
    summary = record.status.summary
    if summary is None:
        return ""
    answered = f"Answered {quantity(summary.success_rate, 'ratio')} of the requests well"
    if summary.recovery_seconds is None:
        return f"{answered}."
    if summary.recovery_seconds >= _watched(record):
        return f"{answered}, and was not well again when the load ended."
    return f"{answered}, and was well again {quantity(summary.recovery_seconds, 's')} after the last fault."


def _watched(record: RunRecord) -> float:
    """Seconds from the end of the last fault to the end of the load: a recovery this long is none."""
    faults = [each.planned_end for each in record.status.faults]
    ends = [each.end for each in record.status.phases if each.name == Phase.RECOVERY and each.end is not None]
    return ends[0] - max(faults) - 0.5 if faults and ends else math.inf


def measure_title(name: str) -> str:
    """A measure's or check's name as words; unknown ones (of another version) as they are."""
    return name.replace("_", " ") if name in MEASURES or name in CHECKS else name
