"""From a Scenario to what a run hands over: the load generator's plan and the injector's, on one start mark."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from faultline.api.app import EDGE_PORT_BASE
from faultline.api.base import seconds
from faultline.api.run import FaultStatus
from faultline.clients.http import service_url
from faultline.clients.injector_api import PlannedFault
from faultline.clients.loadgen_api import LoadPlan
from faultline.faults.base import PodFault, TrafficFault
from faultline.names import CANARY_EDGE_PORT, harness_namespace
from faultline.scenario import ScenarioSpec, fault_name, fault_seed


def target(scenario: str) -> str:
    """The client's way in: the first edge."""
    return service_url("edges", harness_namespace(scenario), EDGE_PORT_BASE)


def load_plan(scenario: str, seed: int, spec: ScenarioSpec, load_py: str) -> LoadPlan:
    """What the load generator prepares."""
    windows = spec.phases.windows()
    return LoadPlan(
        scenario=scenario,
        seed=seed,
        load_py=load_py,
        target=target(scenario),
        canary=service_url("edges", harness_namespace(scenario), CANARY_EDGE_PORT),
        stages=[{"at": seconds(each.at), "rate": each.rate, "shape": each.shape} for each in spec.load.stages],
        deadline=seconds(spec.load.deadline),
        windows=windows,
        fault_end=windows["fault"][0] + last_end(spec),
        faults=_traffic(spec, seed),
    )


def _traffic(spec: ScenarioSpec, seed: int) -> list[dict[str, Any]]:
    """The faults made of traffic, in seconds after the start mark: the load generator plans their arrivals ahead."""
    zero = spec.phases.windows()["fault"][0]
    return [
        {
            "name": fault_name(index, each),
            "start": zero + each.window()[0],
            "end": zero + each.window()[1],
            "seed": fault_seed(seed, fault_name(index, each)),
            **each.fault.traffic().model_dump(),
        }
        for index, each in enumerate(spec.faults)
        if isinstance(each.fault, TrafficFault)
    ]


def last_end(spec: ScenarioSpec) -> float:
    """When the last fault is over, in seconds after the start of the fault phase; 0 where nothing is disturbed."""
    return max((each.window()[1] for each in spec.faults if each.fault.family != "none"), default=0.0)


def fault_plan(
    spec: ScenarioSpec, mark: float, seed: int, held_out: Container[str] = frozenset(), scale: float = 1.0
) -> list[PlannedFault]:
    """What the injector is to do, in Unix seconds; each fault chooses its targets by a seed made from the run's.

    `held_out` are the names of those that are not told of before the run has ended, `scale` is that of CPU limits.
    """
    zero = mark + spec.phases.windows()["fault"][0]
    return [
        PlannedFault(
            name=fault_name(index, each),
            type=each.type,
            edge=each.edge or "",
            start=zero + each.window()[0],
            end=zero + each.window()[1],
            seed=fault_seed(seed, fault_name(index, each)),
            params=each.fault.on_machine(scale).model_dump(mode="json", by_alias=True),
            held_out=fault_name(index, each) in held_out,
        )
        for index, each in enumerate(spec.faults)
    ]


def replaced(spec: ScenarioSpec) -> frozenset[str]:
    """The services whose pods come and go by the faults."""
    faults = [each.fault for each in spec.faults]
    return frozenset(each.service for each in faults if isinstance(each, PodFault) and each.replaces_pods)


def planned(spec: ScenarioSpec, faults: list[PlannedFault]) -> list[FaultStatus]:
    """The faults as the status has them before the first begins; one that comes and goes ends with its last going."""
    return [
        FaultStatus(
            name=each.name,
            type=each.type,
            edge=each.edge,
            planned_start=each.start,
            planned_end=each.start + scheduled.fault.over(each.end - each.start),
            held_out=each.held_out,
        )
        for each, scheduled in zip(faults, spec.faults, strict=True)
    ]


def windows_at(spec: ScenarioSpec, mark: float) -> dict[str, tuple[float, float]]:
    """Each phase's start and end in Unix seconds."""
    return {name: (mark + start, mark + end) for name, (start, end) in spec.phases.windows().items()}
