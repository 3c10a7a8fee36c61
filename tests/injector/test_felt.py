"""Faults on no edge: chosen by seed, on record before they act, felt by their own proof, reverted whatever dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Any, ClassVar

import pytest

from faultline.errors import Unreachable
from faultline.faults import FAULTS
from faultline.faults.base import Family, FeltFault, Target, choose
from faultline.injector import proof, runner
from faultline.injector.config import Config
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan, problems_with
from faultline.injector.targets import NoTarget, Targets

WORLD: dict[str, Any] = {}
"""What the fault below changes; it outlives every injector of this test."""


class Spoil(FeltFault):
    """Takes one of four things away; a thing that is away is felt."""

    family: ClassVar[Family] = "clock"
    service_fields: ClassVar[tuple[str, ...]] = ("service",)

    service: str = "a"

    async def apply(self, target: Target) -> None:
        if not target.state:
            [thing] = choose(["w", "x", "y", "z"], target.random, count=1, percent=None)
            target.hit([thing])
            await target.intend(thing=thing)
        await target.due()
        if WORLD.get("dull"):
            return
        WORLD["away"] = target.state["thing"]

    async def revert(self, target: Target) -> None:
        WORLD["tries"] = WORLD.get("tries", 0) + 1
        if WORLD.get("down"):
            raise Unreachable("FL603", "the API server does not answer")
        if target.state and WORLD.get("away") == target.state["thing"]:
            WORLD["away"] = None

    async def felt(self, target: Target) -> float | None:
        if WORLD.get("broken"):
            raise ValueError("a proof that fails")
        if WORLD.pop("slow", False):
            await asyncio.sleep(60)
        return None if WORLD.get("blind") else float(WORLD.get("away") is not None)


@pytest.fixture(autouse=True)
def spoil(monkeypatch: pytest.MonkeyPatch) -> None:
    WORLD.clear()
    monkeypatch.setitem(FAULTS, "spoil", Spoil)
    make = Targets.make

    def making(self: Targets, planned: Any, fault: Any, record: Any, ended: Any) -> Any:
        if isinstance(fault, Spoil):
            return NoTarget(planned, record, self._clock, ended)
        return make(self, planned, fault, record, ended)

    monkeypatch.setattr(Targets, "make", making)


@pytest.fixture
def config(config: Config) -> Config:
    return config.model_copy(update={"services": "a,b"})


def plan(start: float = 0.3, end: float = 2.0, seed: int = 7, lease: float = 30) -> Plan:
    now = time.time()
    fault = {"name": "f", "type": "spoil", "start": now + start, "end": now + end, "seed": seed}
    return Plan.model_validate({"run": "r", "lease_seconds": lease, "faults": [fault]})


async def done(lab: Lab, tools: Any) -> Any:
    await tools.until(lambda: lab.runner.statuses[0].reverted)
    [status] = await lab.runner.forget("r")
    return status


async def test_is_felt_while_it_lasts_and_seen_to_be_gone(lab: Lab, tools: Any) -> None:
    await lab.runner.load(plan())
    status = await done(lab, tools)
    assert status.error == ""
    assert status.planned_start <= status.applied <= status.observed < status.planned_end
    assert status.planned_end <= status.reverted <= status.cleared
    assert status.depth == pytest.approx(1.0, abs=0.4)
    assert WORLD["away"] is None


async def test_look_that_takes_too_long_says_nothing(lab: Lab, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "FELT_SECONDS", 0.2)
    WORLD["slow"] = True
    await lab.runner.load(plan())
    status = await done(lab, tools)
    assert status.error == ""
    assert status.observed
    assert status.cleared


async def test_same_seed_hits_the_same(lab: Lab, tools: Any) -> None:
    hit = []
    for seed in (7, 7, 8, 9):
        await lab.runner.load(plan(0.0, 1.0, seed=seed))
        hit.append((await done(lab, tools)).target)
    assert hit[0] == hit[1]
    assert len(set(hit)) > 1


@pytest.mark.parametrize("how", ["dull", "blind"])
async def test_without_effect_it_is_not_observed(lab: Lab, tools: Any, monkeypatch: Any, how: str) -> None:
    monkeypatch.setattr(Spoil, "clear_seconds", 0.3)
    WORLD[how] = True
    await lab.runner.load(plan())
    status = await done(lab, tools)
    assert status.applied
    assert status.observed is None


async def test_proof_that_fails_is_an_error_of_the_fault(lab: Lab, tools: Any) -> None:
    WORLD["broken"] = True
    await lab.runner.load(plan())
    assert "a proof that fails" in (await done(lab, tools)).error


async def test_stop_ends_what_waits_for_its_moment(lab: Lab, tools: Any, monkeypatch: Any) -> None:
    # As long as faults on data stores have to get ready, and longer than this test may have to wait for its turn.
    monkeypatch.setattr(NoTarget, "lead", 20.0)
    await lab.runner.load(plan(20, 60))
    await tools.until(lambda: WORLD.get("away") is None and lab.runner.active)
    await lab.runner.stop()
    assert not lab.runner.alive
    assert "away" not in WORLD
    assert lab.runner.statuses[0].applied is None


async def test_revert_is_tried_until_it_succeeds_and_no_other_plan_is_taken_before(
    lab: Lab, tools: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(runner, "END_SECONDS", 0.2)
    await lab.runner.load(plan(0.0, 60))
    await tools.until(lambda: WORLD.get("away"))
    WORLD["down"] = True
    [status] = await lab.runner.forget("r")
    assert status.reverted is None
    assert lab.runner.alive
    assert lab.runner.owned == {"r/f"}
    WORLD["down"] = False
    await tools.until(lambda: not lab.runner.alive)
    assert WORLD["away"] is None
    assert WORLD["tries"] > 1
    assert "does not answer" in lab.runner.statuses[0].error


async def crashed(lab: Lab) -> None:
    """The injector's tasks end without a clean-up, as by SIGKILL."""
    left = [*lab.runner._tasks, *lab.runner._proofs, lab.runner._closing]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    lab.runner._tasks, lab.runner._proofs, lab.runner._closing, lab.runner._over = [], [], None, True
    await asyncio.to_thread(lab.journal.close)


@pytest.fixture
async def first(config: Config, tools: Any) -> Any:
    """An injector that dies while its fault is on, and what it leaves."""

    async def die(planned: Plan) -> None:
        one = Lab(config)
        await one.__aenter__()
        await one.runner.load(planned)
        await tools.until(lambda: WORLD.get("away"))
        await tools.until(lambda: one.runner.statuses[0].applied)
        await crashed(one)
        for task in one._tasks:
            task.cancel()
        await asyncio.gather(*one._tasks, return_exceptions=True)

    return die


async def test_next_injector_goes_on_and_reverts(config: Config, first: Callable[..., Any], tools: Any) -> None:
    await first(plan(0.0, 5.0))
    before = WORLD["away"]
    async with Lab(config) as lab:
        assert WORLD["away"] == before
        status = await done(lab, tools)
    assert WORLD["away"] is None
    assert status.gap == 0
    assert status.cleared


async def test_next_injector_reverts_what_a_lost_lease_left(
    config: Config, first: Callable[..., Any], tools: Any
) -> None:
    await first(plan(0.0, 60, lease=2.0))
    assert WORLD["away"]
    await asyncio.sleep(2.1)
    async with Lab(config) as lab:
        await tools.until(lambda: not lab.runner.alive)
    assert WORLD["away"] is None


async def test_next_injector_reverts_what_ended_while_it_was_down(
    config: Config, first: Callable[..., Any], tools: Any
) -> None:
    await first(plan(0.0, 3.0))
    assert WORLD["away"]
    await asyncio.sleep(3.0)
    async with Lab(config) as lab:
        await done(lab, tools)
    assert WORLD["away"] is None


async def test_fault_that_names_what_is_not_there_is_refused(lab: Lab) -> None:
    [problem] = problems_with(
        plan().model_copy(
            update={"faults": [plan().faults[0].model_copy(update={"params": {"service": "elsewhere"}})]}
        ),
        set(lab.edges),
        lab.config.parts,
        time.time(),
    )
    assert str(problem) == "faults[0].params.service must be one of a, b, got 'elsewhere'"


@pytest.mark.parametrize(
    ("count", "percent", "expected"), [(None, None, 1), (2, None, 2), (9, None, 4), (None, 50, 2), (None, 1, 1)]
)
def test_one_some_or_a_percentage(count: int | None, percent: float | None, expected: int) -> None:
    found = choose("abcd", Random(1), count=count, percent=percent)  # noqa: S311
    assert len(found) == expected
    assert found == sorted(found)
