"""How fast the machine is, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultline import documents
from faultline.controller import plan
from faultline.controller import speed as module
from faultline.controller.speed import Speed, measure
from faultline.scenario import ScenarioSpec

GOOD = Path(__file__).parents[1] / "fixtures/scenarios/good.yaml"


def test_a_piece_of_work_takes_the_threads_own_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.time, "thread_time", iter([1.0, 1.5]).__next__)
    assert module._piece() == 0.5


@pytest.mark.parametrize(("seconds", "scale"), [(1e-9, 0.2), (0.0005, 0.5), (0.0012, 1.2), (9.0, 2.0)])
def test_it_is_bounded_and_has_two_digits(monkeypatch: pytest.MonkeyPatch, seconds: float, scale: float) -> None:
    monkeypatch.setattr(module, "REFERENCE_SECONDS", 0.001)
    monkeypatch.setattr(module, "_piece", lambda: seconds)
    assert measure() == scale


async def test_what_is_chance_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOUBT_SECONDS", 0)
    speed, seen = Speed(), []
    for found in (1.08, 0.92, 1.3, 1.2, 1.4, 0.5):
        monkeypatch.setattr(module, "measure", lambda found=found: found)
        seen.append((await speed.look(), speed.scale))
    assert seen == [(False, 1), (False, 1), (True, 1.3), (False, 1.3), (False, 1.3), (True, 0.5)]


async def test_a_machine_that_was_busy_for_a_moment_is_no_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOUBT_SECONDS", 0)
    speed, readings = Speed(), iter([1.6, 1.5, 1.0, 1.6, 1.5, 1.4, 1.45])
    monkeypatch.setattr(module, "measure", lambda: next(readings))
    assert not await speed.look()
    assert await speed.look()
    assert speed.scale == 1.4


@pytest.mark.parametrize(("scale", "cpu"), [(1.0, "60m"), (1.5, "90m"), (0.5, "30m"), (0.1, "10m")])
def test_a_throttle_is_scaled_as_limits_are(scale: float, cpu: str) -> None:
    body = documents.read(GOOD.read_text())["spec"]
    throttle = {"name": "slow", "for": "3s", "cpu_throttle": {"service": "checkout", "cpu": "60m"}}
    spec = ScenarioSpec.model_validate(body | {"faults": [*body["faults"], throttle]})
    *others, found = plan.fault_plan(spec, 1_800_000_000.0, 7, scale=scale)
    assert found.params["cpu"] == cpu
    assert others == plan.fault_plan(spec, 1_800_000_000.0, 7)[:-1]
