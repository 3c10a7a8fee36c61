"""`Scenario`: everything above put together. The CRD in charts/faultline is generated from these classes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, create_model, model_validator

from faultline.api.app import App
from faultline.api.base import Duration, EdgeName, Line, Model, PositiveDuration, Slug, Text, seconds
from faultline.api.load import Load, Phases
from faultline.checks import CHECKS
from faultline.checks.base import Check
from faultline.faults import FAULTS
from faultline.faults.base import Fault, Parts, unmet
from faultline.measures import MEASURES
from faultline.measures.base import Measure


def _exactly_one(model: Model, names: dict[str, Any], what: str) -> str:
    given = [name for name in names if getattr(model, _attribute(name)) is not None]
    if len(given) != 1:
        raise ValueError(f"must have exactly one {what}, one of {', '.join(sorted(names))}, got {given or 'none'}")
    return given[0]


def _attribute(name: str) -> str:
    return f"{name}_"


class _FaultBase(Model):
    name: Slug | None = Field(None, description="unique in the scenario; the type and its place when left out")
    at: Duration = Field("0s", description="start, counted from the start of the fault phase")
    for_: PositiveDuration = Field(alias="for", description="how long it lasts")
    edge: EdgeName | None = Field(None, description="the edge it acts on, for faults on edges")

    @model_validator(mode="after")
    def _one_type(self) -> Self:
        kind = _exactly_one(self, FAULTS, "fault")
        if FAULTS[kind].family == "edge" and self.edge is None:
            raise ValueError(f"{kind} needs an edge")
        return self

    @property
    def type(self) -> str:
        """Which fault this is."""
        return next(name for name in FAULTS if getattr(self, _attribute(name)) is not None)

    @property
    def fault(self) -> Fault:
        """Its parameters."""
        found: Fault = getattr(self, _attribute(self.type))
        return found

    @property
    def where(self) -> str:
        """Its edge, or the services and stores that it is about; empty for what is about the load, or nothing."""
        return self.edge or ", ".join(each.name or each.part for each in self.fault.references())

    def window(self) -> tuple[float, float]:
        """Start and end in seconds after the start of the fault phase."""
        return seconds(self.at), seconds(self.at) + seconds(self.for_)


FaultSpec = create_model(
    "FaultSpec",
    __base__=_FaultBase,
    __doc__="One fault of the plan: when, where, and exactly one type with its parameters.",
    **{_attribute(name): (cls | None, Field(None, alias=name)) for name, cls in FAULTS.items()},  # type: ignore[call-overload]
)


KINDS: dict[str, type[Measure] | type[Check]] = {**MEASURES, **CHECKS}
"""What an objective can name."""


class _ObjectiveBase(Model):
    name: Line
    weight: float = Field(gt=0, le=100)
    required: bool = False
    target: float | None = Field(None, description="full points from here on; a check has none")
    worst: float | None = Field(None, description="no points from here on; a check has none")
    cap: float | None = Field(None, description="upper limit of a scaled target, in the measure's unit")
    reason: Text = Field(description="the principle that a lost point violates")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kind = _exactly_one(self, KINDS, "measure or check")
        if kind in CHECKS:
            given = [name for name in ("target", "worst", "cap") if getattr(self, name) is not None]
            if given:
                raise ValueError(f"{kind} has no {' or '.join(given)}: a check holds or it does not")
            return self
        if self.target is None or self.worst is None:
            raise ValueError(f"{kind} needs target and worst, got target {self.target} and worst {self.worst}")
        measure: Measure = getattr(self, _attribute(kind))
        higher = measure.improves == "higher"
        if self.target == self.worst or (self.target > self.worst) != higher:
            raise ValueError(f"target {self.target} must be {'above' if higher else 'below'} worst {self.worst}")
        return self

    @property
    def type(self) -> str:
        """Which measure or check this is."""
        return next(name for name in KINDS if getattr(self, _attribute(name)) is not None)

    @property
    def kind(self) -> Measure | Check:
        """Its parameters."""
        found: Measure | Check = getattr(self, _attribute(self.type))
        return found


ObjectiveSpec = create_model(
    "ObjectiveSpec",
    __base__=_ObjectiveBase,
    __doc__="One condition with a weight and a reason: one measure with its target, or one check that has to hold.",
    **{_attribute(name): (cls | None, Field(None, alias=name)) for name, cls in KINDS.items()},  # type: ignore[call-overload]
)


class ScenarioSpec(Model):
    """The desired lab and how it is graded."""

    slug: Slug = Field(description="the folder under scenarios/ that has the code and the lesson")
    title: Line
    tier: str = Field(pattern=r"^(crawling|walking|running|sprinting)$", max_length=10)
    concepts: list[Line] = Field(default_factory=list, max_length=12)
    order: int = Field(10_000, ge=0, le=10_000, description="place in the recommended path, within its tier")
    app: App
    load: Load
    phases: Phases = Phases()
    faults: list[FaultSpec] = Field(min_length=1, max_length=20)
    objectives: list[ObjectiveSpec] = Field(min_length=1, max_length=30)
    schedule: str | None = Field(None, max_length=60, description="cron: a run each time")
    suspend: bool = Field(False, description="no lab and no runs while true")

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        self._check_services()
        self.check_faults(self.faults)
        self._check_objectives()
        names = [fault_name(index, fault) for index, fault in enumerate(self.faults)]
        if len(set(names)) != len(names):
            raise ValueError(f"faults must have unique names, got {', '.join(names)}")
        return self

    def check_faults(self, faults: Sequence[Any]) -> None:
        """Whether each of these faults fits this lab and its fault phase. Raises ValueError with field, rule, value."""
        edges, parts = self.app.edges(), self._parts()
        end = seconds(self.phases.fault)
        for index, fault in enumerate(faults):
            if fault.edge and fault.edge not in edges:
                raise ValueError(f"faults[{index}].edge must be one of {', '.join(edges)}, got {fault.edge}")
            if fault.edge:
                self._check_stays(f"faults[{index}].edge", edges[fault.edge].target, fault.edge)
            for field, rule, value in unmet(fault.fault, parts):
                where = f"faults[{index}].{fault.type}" + (f".{field}" if field else "")
                raise ValueError(f"{where} {rule}, got {value}")
            for store in fault.fault.stores:
                self._check_stays(f"faults[{index}].{fault.type}", store, store)
            if fault.window()[1] > end:
                raise ValueError(
                    f"faults[{index}] ends {fault.window()[1]:g}s after the start of the fault phase, "
                    f"which is only phases.fault = {self.phases.fault} long"
                )

    def _check_objectives(self) -> None:
        for index, objective in enumerate(self.objectives):
            if isinstance(objective.kind, Measure):
                for field, store in objective.kind.stores(self.app):
                    where = f"objectives[{index}].{objective.type}" + (f".{field}" if field else "")
                    self._check_stays(where, store, getattr(objective.kind, field) if field else store)

    def _check_stays(self, where: str, store: str, value: str) -> None:
        if rule := self.app.optional().get(store):
            raise ValueError(
                f"{where} must not need a data store that values may leave out "
                f"({rule} lets {store}.replicas be 0), got {value}"
            )

    def _check_services(self) -> None:
        names = [service.name for service in self.app.services]
        if len(set(names)) != len(names):
            raise ValueError(f"app.services must have unique names, got {', '.join(names)}")
        if self.app.entry not in names:
            raise ValueError(f"app.entry must be one of {', '.join(names)}, got {self.app.entry}")
        available = set(names) | self.app.stores(off=True)
        for index, service in enumerate(self.app.services):
            for target in service.dependencies:
                if target not in available:
                    raise ValueError(
                        f"app.services[{index}].dependencies must be among {', '.join(sorted(available))}, got {target}"
                    )

    def _parts(self) -> Parts:
        return Parts(frozenset(service.name for service in self.app.services), self.app.stores())


def fault_name(index: int, fault: Any) -> str:
    """The unique name of a fault: its own, or its type and place."""
    return str(fault.name or f"{fault.type.replace('_', '-')}-{index}")


def fault_seed(seed: int, name: str) -> int:
    """What a fault's choices are drawn from: made from the run's seed and the fault's own name.

    So another fault in the scenario does not change what this one hits.
    """
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:4])
