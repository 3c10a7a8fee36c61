"""Faults made of traffic are in the load's plan and in the injector's, with the same times and the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultline import documents
from faultline.controller import plan
from faultline.scenario import ScenarioSpec
from loadgen.plan import Plan

GOOD = Path(__file__).parents[1] / "fixtures/scenarios/good.yaml"
FAULTS = [
    {"name": "rush", "at": "2s", "for": "5s", "surge": {"factor": 3}},
    {"name": "greedy", "at": "4s", "for": "2s", "abusive_client": {"rate": 50}},
    {"name": "again", "for": "3s", "retry_storm": {"retries": 2, "delay": "100ms"}},
]


@pytest.fixture
def spec() -> ScenarioSpec:
    body = documents.read(GOOD.read_text())["spec"]
    return ScenarioSpec.model_validate(body | {"faults": [*body["faults"], *FAULTS]})


def test_both_plans_agree(spec: ScenarioSpec) -> None:
    mark = 1_800_000_000.0
    load = plan.load_plan("shop", 7, spec, "LOAD").faults
    injector = {each.name: each for each in plan.fault_plan(spec, mark, 7)}
    assert [each["name"] for each in load] == ["rush", "greedy", "again"]
    for each in load:
        same = injector[each["name"]]
        assert (mark + each["start"], mark + each["end"], each["seed"]) == (same.start, same.end, same.seed)
    assert load[0]["factor"] == 3
    assert (load[1]["rate"], load[1]["hook"]) == (50, "abuse")
    assert (load[2]["retries"], load[2]["delay"]) == (2, 0.1)


def test_the_load_generator_takes_it(spec: ScenarioSpec) -> None:
    body = plan.load_plan("shop", 7, spec, "LOAD").model_dump_json()
    assert [fault.own for fault in Plan.model_validate_json(body).faults] == ["", "greedy", ""]


def test_same_seed_same_plan_to_the_byte(spec: ScenarioSpec) -> None:
    first, same, other = (plan.load_plan("shop", seed, spec, "LOAD").model_dump_json() for seed in (7, 7, 8))
    assert first == same != other
