"""The page that Prometheus reads, without a lab behind it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from faultline.injector.metrics import InjectorCollector
from faultline.injector.plan import PlannedFault


def faults_of(active: set[str], *planned: PlannedFault) -> list[str]:
    """The lines on faults of a page, while those in `active` are on."""
    runner = SimpleNamespace(run="r1", statuses=[each.status() for each in planned], active=active)
    quiet = cast(Any, SimpleNamespace(counts={}, waiting={}, beat_age=None))
    page = InjectorCollector({}, cast(Any, runner), quiet, quiet).page().decode()
    return [line for line in page.splitlines() if line.startswith("faultline_fault_active{")]


def fault(name: str, *, held_out: bool = False) -> PlannedFault:
    return PlannedFault(name=name, type="partition", edge="a->b", start=1, end=2, held_out=held_out)


def test_a_fault_that_is_on_is_told_with_its_place() -> None:
    told = 'faultline_fault_active{edge="a->b",fault="cut",run="r1",type="partition"}'
    assert faults_of({"cut"}, fault("cut")) == [f"{told} 1.0"]
    assert faults_of(set(), fault("cut")) == [f"{told} 0.0"]


def test_of_what_is_held_out_only_that_it_is_on_is_told() -> None:
    cut, *others = fault("cut"), fault("one", held_out=True), fault("two", held_out=True)
    told = 'faultline_fault_active{edge="",fault="held-out",run="r1",type="held-out"}'
    assert faults_of({"two"}, cut, *others)[1:] == [f"{told} 1.0"]
    assert faults_of({"cut"}, cut, *others)[1:] == [f"{told} 0.0"]
