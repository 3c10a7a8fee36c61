"""A run's plan as the operator sends it, checked against the faults and this injector's own edges."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError

from faultline.api.base import EdgeName, Line, Model, Slug
from faultline.api.run import FaultStatus
from faultline.faults import FAULTS
from faultline.faults.base import Fault, Parts, unmet


class PlannedFault(Model):
    """One fault: Unix seconds, the seed that its targets are chosen by, and the parameters of its type."""

    name: Slug
    type: Line
    edge: EdgeName | Literal[""] = ""
    start: float = Field(gt=0)
    end: float = Field(gt=0)
    seed: int = Field(0, ge=0)
    params: dict[str, Any] = Field(default_factory=dict)
    held_out: bool = False
    """What it is stays out of the metrics, which anybody may read while it is on."""

    def fault(self) -> Fault:
        """Its parameters as the type's own model. Raises ValidationError."""
        return FAULTS[self.type].model_validate(self.params)

    def status(self) -> FaultStatus:
        """Its record, with nothing done yet. One that comes and goes ends when it goes for the last time."""
        end = self.start + self.fault().over(self.end - self.start)
        return FaultStatus(
            name=self.name,
            type=self.type,
            edge=self.edge,
            held_out=self.held_out,
            planned_start=self.start,
            planned_end=end,
        )


class Plan(Model):
    """All faults of a run. They end when the run's lease is not renewed for `lease_seconds`."""

    run: Line
    lease_seconds: float = Field(3.0, ge=0.2, le=60)
    faults: list[PlannedFault] = Field(max_length=50)


class Problem(Model):
    """What is wrong with a field of a body."""

    field: str
    rule: str
    value: str

    def __str__(self) -> str:
        return f"{self.field} {self.rule}, got {self.value}"


def problems_of(error: ValidationError, prefix: str = "") -> list[Problem]:
    """pydantic's findings as field, rule and value, as in `faults[0].end must be …, got …`."""
    found = []
    for each in error.errors():
        field = prefix + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in each["loc"])
        rule = each["msg"].removeprefix("Value error, ")
        found.append(Problem(field=field.lstrip(".") or "body", rule=rule, value=repr(each["input"])[:200]))
    return found


def problems_with(plan: Plan, edges: set[str], parts: Parts, now: float) -> list[Problem]:
    """What a valid body still breaks: unknown types and targets, wrong parameters, times that cannot be."""
    found = []
    names = [fault.name for fault in plan.faults]
    for index, fault in enumerate(plan.faults):
        at = f"faults[{index}]"
        if names.count(fault.name) > 1:
            found.append(Problem(field=f"{at}.name", rule="must be unique in the plan", value=repr(fault.name)))
        if fault.end <= fault.start:
            rule = f"must be after start {fault.start:.3f}"
            found.append(Problem(field=f"{at}.end", rule=rule, value=f"{fault.end:.3f}"))
        if fault.end <= now:
            rule = f"must be in the future (now is {now:.3f})"
            found.append(Problem(field=f"{at}.end", rule=rule, value=f"{fault.end:.3f}"))
        if fault.type not in FAULTS:
            rule = f"must be one of {', '.join(sorted(FAULTS))}"
            found.append(Problem(field=f"{at}.type", rule=rule, value=repr(fault.type)))
            continue
        if FAULTS[fault.type].family == "edge" and fault.edge not in edges:
            rule = f"must be one of this lab's edges, {', '.join(sorted(edges))}"
            found.append(Problem(field=f"{at}.edge", rule=rule, value=repr(fault.edge)))
        try:
            missing = unmet(fault.fault(), parts)
        except ValidationError as error:
            found += problems_of(error, f"{at}.params")
            continue
        found += [
            Problem(field=f"{at}.params.{field}" if field else f"{at}.type", rule=rule, value=repr(value))
            for field, rule, value in missing
        ]
    return found
