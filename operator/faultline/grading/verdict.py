"""From objectives and doubts to a score and a verdict. Missing or doubtful data is never a pass."""

from __future__ import annotations

import math
from collections.abc import Sequence

from faultline.api.run import PASS_MARK, ObjectiveStatus, Verdict
from faultline.checks import CHECKS

ROUNDING = 1e-9
"""Sums of weights are not exact in binary: 79.9999999999 is 80."""


def score(objectives: Sequence[ObjectiveStatus], missing: float = 0.0) -> int:
    """0 to 100, rounded down; an objective without a value counts `missing` (0 to 1) of its weight.

    A required objective that was missed caps it below the pass mark.
    """
    total = sum(each.weight for each in objectives)
    points = sum(missing * each.weight if each.value is None else each.points for each in objectives)
    found = math.floor(100 * points / total + ROUNDING)
    return min(found, PASS_MARK - 1) if missed_required(objectives) else found


def missed_required(objectives: Sequence[ObjectiveStatus]) -> list[str]:
    """Names of the required objectives whose value is known and short of the target."""
    return [each.name for each in objectives if each.required and each.value is not None and not each.met]


def proven(objectives: Sequence[ObjectiveStatus]) -> list[ObjectiveStatus]:
    """The same objectives with no values but those of violated checks."""
    return [
        each if each.measure in CHECKS and each.value else each.model_copy(update={"value": None, "points": 0.0})
        for each in objectives
    ]


def decide(objectives: Sequence[ObjectiveStatus], *, valid: bool) -> Verdict:
    """Validity first; then fail, when no missing value could have turned it; then inconclusive; then pass.

    Of a run that is not valid the violated checks stand, since the history proves them whatever else happened: it
    fails when these alone make it fail.
    """
    if not valid:
        return Verdict.FAIL if score(proven(objectives), missing=1.0) < PASS_MARK else Verdict.INCONCLUSIVE
    if score(objectives, missing=1.0) < PASS_MARK:
        return Verdict.FAIL
    if any(each.value is None for each in objectives):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS
