"""Hand-written histories."""

from __future__ import annotations

from typing import Any

from faultline.checks import CHECKS
from faultline.checks._history import FINAL_READS, History, Operation
from faultline.checks.base import Judgement


def op(
    name: str, key: str | None = None, value: Any = None, at: tuple[float, float] = (0, 1), **more: Any
) -> Operation:
    """One operation; `at` is its start and end, `final` makes it a final read."""
    if more.pop("final", False):
        more["phase"] = FINAL_READS
    return Operation(name, *map(float, at), key=key, value=value, **({"session": "ann"} | more))


def put(key: str, value: Any, at: tuple[float, float], **more: Any) -> Operation:
    return op("put", key, value, at, **more)


def get(key: str, result: Any, at: tuple[float, float], **more: Any) -> Operation:
    return op("get", key, None, at, result=result, **more)


def judge(check: str, parameters: dict[str, Any], *operations: Operation, healed: float | None = None) -> Judgement:
    """What a check with these parameters, as a scenario has them, says of a history."""
    return CHECKS[check].model_validate(parameters).judge(History(operations, healed))


def notes(judgement: Judgement, place: int = 0) -> list[str]:
    """What the counter-example says of each of its operations, in the order of time."""
    return [each.note for each in judgement.violations[place].seen]
