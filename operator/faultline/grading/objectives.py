"""One objective: ask for its number, scale its target, give points."""

from __future__ import annotations

import json
import math
from typing import Any

from faultline.api.run import QUERY_LIMIT, CheckStatus, ObjectiveStatus
from faultline.clients.prometheus import Prometheus, Sample
from faultline.errors import FaultlineError
from faultline.measures.base import Context, Measure


def share(value: float, target: float, worst: float) -> float:
    """0 at `worst` and beyond, 1 at `target` and beyond, linear between; works in both directions."""
    return min(1.0, max(0.0, (value - worst) / (target - worst)))


def scaled(measure: Measure, target: float, worst: float, cap: float | None, scale: float) -> tuple[float, float]:
    """Target and worst on this machine: both times the canary's scale, of which the target takes no more than `cap`.

    The worst is scaled by what the target really got, so that a cap bounds both.
    """
    if not measure.scaled:
        return target, worst
    factor = scale if cap is None else max(1.0, min(scale, cap / target))
    return target * factor, worst * factor


async def assess(prometheus: Prometheus, spec: Any, context: Context) -> ObjectiveStatus:
    """The status of one objective of the scenario (an ObjectiveSpec) that names a measure.

    Never raises for missing or doubtful data: `value` is None then and `problem` says why.
    """
    measure: Measure = spec.kind
    query = measure.query(context)
    target, worst = scaled(measure, spec.target, spec.worst, spec.cap, context.canary_scale)
    try:
        value, problem = only(await prometheus.instant(query, context.end), measure.nothing)
    except FaultlineError as error:
        value, problem = None, error.message
    ratio = 0.0 if value is None else share(value, target, worst)
    return ObjectiveStatus(
        name=spec.name,
        measure=spec.type,
        unit=measure.value_unit,
        query=query[:QUERY_LIMIT],
        window=measure.window(),
        value=value,
        target=target,
        worst=worst,
        weight=spec.weight,
        points=ratio * spec.weight,
        required=spec.required,
        met=ratio >= 1.0,
        problem=problem,
        reason=spec.reason,
    )


def assess_check(spec: Any, found: CheckStatus) -> ObjectiveStatus:
    """The status of one objective that names a check: its value is how many violations were proven.

    `value` is None when the check is undecided, and `problem` says why.
    """
    value = {"holds": 0.0, "violated": float(found.violations), "undecided": None}[found.result]
    parameters = spec.kind.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return ObjectiveStatus(
        name=spec.name,
        measure=spec.type,
        unit="violations",
        query=f"{spec.type} {json.dumps(parameters, ensure_ascii=False)}"[:QUERY_LIMIT],
        window=f"the whole history and its final reads: {found.examined:,} {found.unit} examined",
        value=value,
        target=0.0,
        worst=1.0,
        weight=spec.weight,
        points=spec.weight if value == 0 else 0.0,
        required=spec.required,
        met=value == 0,
        problem=found.problem,
        reason=spec.reason,
    )


def only(samples: list[Sample], nothing: str = Measure.nothing) -> tuple[float | None, str]:
    """The one finite number that a query gave, or None and what was wrong; `nothing` is said of an empty answer."""
    if not samples:
        return None, f"no data: {nothing}"
    if len(samples) > 1:
        return None, f"several series: the query gives {len(samples)} values where one was meant"
    value = samples[0].value
    if not math.isfinite(value):
        return None, f"the query gives {value}, which is no number"
    return value, ""
