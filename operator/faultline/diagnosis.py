"""What a learner claims before they mend anything, and what the runs say of it.

`scenarios/SLUG/diagnosis.yaml` has the closed list of causes, near misses among them, and the metrics that can be
predicted: each is an objective of the scenario, so that a run has its value. A claim is scored against the first graded
run of the learner's own, other code that began after it. Nothing is judged that was not measured or listed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, StringConstraints, model_validator

from faultline.api.base import Line, Model, Slug, Text
from faultline.api.run import ObjectiveStatus, RunStatus
from faultline.errors import InvalidInput, NotFound
from faultline.progress import LEARNER, Claim, ClaimScore, Direction
from faultline.validation import parse

FILE = "diagnosis.yaml"
CREDIT = {"right": 1.0, "near": 0.5, "wrong": 0.0}
WEIGHTS = {"cause": 50, "direction": 20, "number": 20, "confidence": 10}
"""Points of 100."""
STILL = 0.1
"""A metric that moved by less of the way between its objective's worst and target did not move."""

Ident = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$", max_length=40)]


class Cause(Model):
    """One cause to choose. `is` is told, with `why`, once it was scored; a near miss is true and not all of it."""

    text: Line
    is_: Literal["right", "near", "wrong"] = Field(alias="is")
    why: Text


class Metric(Model):
    """A number that a fix should move: that of an objective, by its name."""

    objective: Line


class Diagnosis(Model):
    """The file of a scenario."""

    causes: dict[Ident, Cause] = Field(min_length=4, max_length=12)
    metrics: dict[Slug, Metric] = Field(min_length=1, max_length=12)

    @model_validator(mode="after")
    def _has_a_choice(self) -> Self:
        kinds = [each.is_ for each in self.causes.values()]
        if kinds.count("right") != 1:
            raise ValueError(f"causes must have exactly one that is right, got {kinds.count('right')}")
        if kinds.count("near") < 2:
            raise ValueError(f"causes must have two that are near or more, got {kinds.count('near')}")
        # Whoever has seen a few tests takes the longest answer.
        right, longest = (
            max(len(each.text) for each in self.causes.values() if (each.is_ == "right") == is_right)
            for is_right in (True, False)
        )
        if right > longest:
            raise ValueError(
                f"causes must not have the right one as the longest, got {right} characters, others {longest}"
            )
        return self


def load(folder: Path) -> Diagnosis:
    """The file of a scenario's folder.

    Raises NotFound (FL214) without it, InvalidInput: FL132 when it is not YAML, FL105 when a field breaks a rule.
    """
    path = folder / FILE
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(
            "FL214", f"{folder.name} has no diagnosis to make: {path} is missing", f"make hint S={folder.name}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput("FL132", f"{path} is not YAML: {error}", "mend the line that is named") from error
    return parse(Diagnosis, found, FILE)


def amount(text: str, unit: str) -> float:
    """A number as a person types it: `0.95` or `95%` for a ratio, which is from 0 to 1. Raises InvalidInput (FL134)."""
    share = text.endswith("%") and unit == "ratio"
    try:
        value = float(text.removesuffix("%") if share else text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = f"--expect must be {form(unit)}, got {text}"
        raise InvalidInput("FL134", message, "`make diagnose` shows the values now")
    if share:
        value /= 100
    if unit == "ratio" and not 0 <= value <= 1:
        near = f"{value / 100:.4g} or {value:.4g}%" if 1 < value <= 100 and not share else "a share such as 0.95 or 95%"
        raise InvalidInput("FL134", f"--expect must be a share from 0 to 1, got {text}", f"write {near}")
    return value


def form(unit: str) -> str:
    """How an amount in `unit` is typed."""
    return "a share such as 0.95 or 95%" if unit == "ratio" else f"a number, in {unit}" if unit else "a number"


def claim(
    file: Diagnosis,
    before: tuple[str, RunStatus],
    *,
    cause: str,
    metric: str,
    direction: Direction,
    expect: str,
    confidence: int,
    now: float,
) -> Claim:
    """A claim that can be scored; `before` is the run that it starts from.

    Raises InvalidInput: FL133 for a cause or metric that is not listed, FL134 for a number that contradicts the
    direction or is none, FL135 when the run has no value for the metric.
    """
    run, status = before
    for option, given, known in (("--cause", cause, file.causes), ("--metric", metric, file.metrics)):
        if given not in known:
            raise InvalidInput(
                "FL133",
                f"{option} must be one of {', '.join(known)}, got {given}",
                "`make diagnose` explains each",
            )
    objective = of(status, file.metrics[metric].objective)
    if objective is None or objective.value is None:
        why = (objective.problem if objective else "") or "it was not graded"
        raise InvalidInput("FL135", f"{run} has no value for {metric}: {why}", "make chaos, or choose another metric")
    expected = amount(expect, objective.unit)
    if (expected > objective.value) != (direction == "up") or expected == objective.value:
        side = "above" if direction == "up" else "below"
        raise InvalidInput(
            "FL134",
            f"--expect must be {side} {objective.value:.4g}, the value now, to go {direction}, got {expect}",
            "change the number or the direction",
        )
    return Claim(
        made=now,
        cause=cause,
        metric=metric,
        objective=objective.name,
        direction=direction,
        expected=expected,
        confidence=confidence,
        unit=objective.unit,
        before_run=run,
        before=objective.value,
        before_digest=status.code.digest if status.code else "",
    )


def scored(file: Diagnosis, made: Claim, runs: Iterable[tuple[str, RunStatus]]) -> Claim | None:
    """The claim with its score by the first of `runs` (oldest first) that can say; None while there is none.

    Points of 100: 50 for the cause (a near miss has half), 20 for the direction, 20 for the number (none when it is off
    by the whole way between the objective's worst and target), 10 for a confidence that fits: the Brier score.
    """
    for name, status in runs:
        objective = of(status, made.objective)
        if not _says(status, made) or objective is None or objective.value is None or made.cause not in file.causes:
            continue
        scale = abs(objective.worst - objective.target)
        cause = CREDIT[file.causes[made.cause].is_]
        moved = _moved(made.before, objective.value, scale)
        parts = {
            "cause": cause,
            "direction": float(moved == made.direction),
            "number": max(0.0, 1 - abs(objective.value - made.expected) / scale),
            "confidence": 1 - (made.confidence / 100 - float(cause == 1)) ** 2,
        }
        points = round(sum(WEIGHTS[part] * share for part, share in parts.items()))
        score = ClaimScore(run=name, after=objective.value, moved=moved, points=points, **parts)
        return made.model_copy(update={"score": score})
    return None


def of(status: RunStatus, objective: str) -> ObjectiveStatus | None:
    """A run's objective by name."""
    return next((each for each in status.objectives if each.name == objective), None)


def _says(status: RunStatus, made: Claim) -> bool:
    """Whether a run is of the learner's own code, other than before, begun after the claim and concluded."""
    code = status.code
    if code is None or code.variant != LEARNER or code.digest == made.before_digest:
        return False
    return status.verdict in ("pass", "fail") and status.started is not None and status.started >= made.made


def _moved(before: float, after: float, scale: float) -> Literal["up", "down", "still"]:
    if abs(after - before) < STILL * scale:
        return "still"
    return "up" if after > before else "down"
