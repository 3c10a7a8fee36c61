"""Conditions and phase of a Scenario: small changes to a status, each giving a new one."""

from __future__ import annotations

from typing import Any, Literal

from faultline.api.status import Condition, ScenarioStatus
from faultline.controller.api import now_text

Truth = Literal["True", "False", "Unknown"]
ORDER = ("Valid", "Deployed", "Ready", "CodeRejected")
LENGTH = 2000
"""Of a condition's message: a traceback's end fits, an object full of logs does not."""


def with_condition(
    status: ScenarioStatus, kind: str, truth: Truth, reason: str, message: str, generation: int
) -> ScenarioStatus:
    """The status with one condition set; its time changes only when its truth does."""
    old = condition(status, kind)
    changed = now_text() if old is None or old.status != truth else old.last_transition_time
    new = Condition(
        type=kind,
        status=truth,
        reason=reason,
        message=message[-LENGTH:] if len(message) > LENGTH else message,
        last_transition_time=changed,
        observed_generation=generation,
    )
    others = [each for each in status.conditions if each.type != kind]
    return status.model_copy(update={"conditions": sorted([*others, new], key=lambda each: ORDER.index(each.type))})


def condition(status: ScenarioStatus, kind: str) -> Condition | None:
    """One condition, if it was ever set."""
    return next((each for each in status.conditions if each.type == kind), None)


def holds(status: ScenarioStatus, kind: str) -> bool:
    """Whether a condition is True."""
    found = condition(status, kind)
    return found is not None and found.status == "True"


def difference(old: ScenarioStatus, new: ScenarioStatus) -> dict[str, Any]:
    """The merge patch from one status to the other; what only a run writes (lastScore and the like) is never in it."""
    before, after = old.model_dump(mode="json", by_alias=True), new.model_dump(mode="json", by_alias=True)
    for field in ("lastRun", "lastScore", "lastVerdict"):
        before.pop(field), after.pop(field)
    # A null in a list would be refused, so conditions go without their empty fields.
    after["conditions"] = [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in new.conditions]
    before["conditions"] = [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in old.conditions]
    return {key: value for key, value in after.items() if value != before[key]}
