"""Checks in a process of their own, and what they make of a run's verdict."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from faultline.api.run import CheckStatus
from faultline.grading import check, grade
from faultline.grading.checking import asked
from faultline.scenario import ScenarioSpec

START = 1_800_000_000.0


@pytest.fixture
def checked(spec: ScenarioSpec) -> ScenarioSpec:
    """The scenario with a check among its objectives."""
    body = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    wanted = {"name": "nothing is lost", "weight": 30, "required": True, "reason": "commit before you acknowledge",
              "lost_writes": {"writes": ["put"], "reads": ["get"]}}  # fmt: skip
    body["objectives"].insert(1, wanted)
    return ScenarioSpec.model_validate(body)


def line(i: int, op: str, key: str, start: float, **more: Any) -> dict[str, Any]:
    return {"i": i, "call": 0, "op": op, "key": key, "value": None, "phase": "fault", "intended": START + start,
            "sent": START + start, "end": START + start + 0.01, "outcome": "ok", "status": 200,
            "latency": 0.01} | more  # fmt: skip


def write(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_bytes(gzip.compress("".join(json.dumps(each) + "\n" for each in lines).encode()))
    return path


def lossy(path: Path, count: int = 1) -> Path:
    puts = [line(n, "put", f"k{n}", n, value=n) for n in range(count)]
    return write(
        path, *puts, *(line(-1, "get", f"k{n}", 900 + n, phase="final_reads", status=404) for n in range(count))
    )


async def test_a_violation_comes_back_with_its_operations(checked, tmp_path):
    [status] = await check(checked, lossy(tmp_path / "history.jsonl.gz", 9), None)
    assert (status.name, status.check, status.result) == ("nothing is lost", "lost_writes", "violated")
    assert (status.examined, status.violations, len(status.examples)) == (9, 9, 3)
    first, second = status.examples[0].operations
    assert (first.op, first.key, first.value, first.session, first.note) == (
        "put",
        "k0",
        "0",
        "arrival 0",
        "acknowledged",
    )
    assert (second.op, second.result, second.status, second.phase) == ("get", "null", 404, "final_reads")


async def test_the_smallest_counter_examples_are_told_and_come_first(checked, tmp_path):
    """Fewest operations first, then those that lie closest together; the check itself finds them in another order."""
    back = line(0, "put", "older is back", 0, value="a"), line(1, "put", "older is back", 1, value="b")
    gone = [line(2 + n, "put", f"gone for {900 - start}", start, value="c") for n, start in enumerate((2, 600, 300))]
    reads = [line(-1, "get", each["key"], 900, phase="final_reads", status=404) for each in gone]
    reads.append(line(-1, "get", "older is back", 1.5, phase="final_reads", result="a"))
    [status] = await check(checked, write(tmp_path / "h.gz", *back, *gone, *reads), None)
    assert status.violations == 4
    told = [(each.operations[0].key, len(each.operations)) for each in status.examples]
    assert told == [("gone for 300", 2), ("gone for 600", 2), ("gone for 898", 2)]


async def test_a_history_that_is_right_holds(checked, tmp_path):
    history = write(
        tmp_path / "h.gz", line(0, "put", "k", 0, value="é"), line(-1, "get", "k", 9, result="é", phase="final_reads")
    )
    [status] = await check(checked, history, None)
    assert (status.result, status.violations, status.examples, status.problem) == ("holds", 0, [], "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{", mtime=0),
        gzip.compress(b"{}\n", mtime=0)[:-9],
        gzip.compress(b"{}\n", mtime=0),
    ],
)
async def test_a_history_that_cannot_be_read_is_undecided(checked, tmp_path, content):
    (tmp_path / "h.gz").write_bytes(content)
    [status] = await check(checked, tmp_path / "h.gz", None)
    assert status.result == "undecided"
    assert status.problem


async def test_no_history_is_no_data(checked):
    [status] = await check(checked, None, None)
    assert (status.result, status.problem) == ("undecided", "no data: the history was not kept")


async def test_checks_that_take_too_long_are_given_up(checked, tmp_path):
    [status] = await check(checked, lossy(tmp_path / "h.gz"), None, patience=0.001)
    assert status.problem == "the checks were not through after 0.001 s"


async def test_without_checks_no_process_is_started(spec):
    assert asked(spec) == []
    assert await check(spec, Path("/nowhere"), None) == []


async def test_all_counter_examples_fit_a_status(checked, tmp_path):
    wide = [line(n, "put", "k" * 500, n, value="v" * 5000, session="s" * 500) for n in range(40)]
    history = write(tmp_path / "h.gz", *wide, line(-1, "get", "k" * 500, 900, phase="final_reads", result="x"))
    [status] = await check(checked, history, None)
    assert status.result == "violated"
    assert len(status.model_dump_json()) < 24 * 1024


def found(result: str, **more: Any) -> CheckStatus:
    return CheckStatus(name="nothing is lost", check="lost_writes", result=result, examined=5, unit="keys", **more)


async def test_a_violation_fails_a_run_that_is_well_otherwise(prometheus, checked, evidence):
    graded = await grade(prometheus, checked, evidence(checks=[found("violated", violations=2)]))
    assert (graded.verdict, graded.score) == ("fail", 76)
    lost = graded.objectives[1]
    assert (lost.value, lost.points, lost.met, lost.unit) == (2, 0, False, "violations")
    assert lost.query == 'lost_writes {"writes": ["put"], "reads": ["get"]}'
    assert graded.reasons == ["required objective 'nothing is lost' is missed: the score is 79 at most"]


async def test_a_check_that_holds_gives_its_points(prometheus, checked, evidence):
    graded = await grade(prometheus, checked, evidence(checks=[found("holds")]))
    assert (graded.verdict, graded.score, graded.objectives[1].points) == ("pass", 100, 30)


async def test_a_counter_example_stands_whatever_validity_says(prometheus, checked, evidence):
    doubtful = evidence(problems=["the code changed during the run"], checks=[found("violated", violations=1)])
    graded = await grade(prometheus, checked, doubtful)
    assert (graded.verdict, graded.score) == ("fail", None)
    assert graded.reasons[0] == "the history proves it whatever else happened: 'nothing is lost' is violated"
    assert graded.reasons[1].startswith("the code changed during the run; ")


async def test_an_undecided_check_is_inconclusive_and_says_what_is_missing(prometheus, checked, evidence):
    graded = await grade(prometheus, checked, evidence(checks=[found("undecided", problem="no data: no put")]))
    assert (graded.verdict, graded.score) == ("inconclusive", None)
    assert graded.reasons == [
        "objective 'nothing is lost' has no value (no data: no put); see lost_writes in docs/checks.md for what "
        "load.py has to record"
    ]


async def test_a_doubtful_run_whose_check_holds_is_inconclusive(prometheus, checked, evidence):
    graded = await grade(prometheus, checked, evidence(problems=["x"], checks=[found("holds")]))
    assert (graded.verdict, graded.score) == ("inconclusive", None)


async def test_a_violated_check_that_could_not_have_failed_the_run_leaves_a_doubtful_one_open(
    prometheus, checked, evidence
):
    body = checked.model_dump(mode="json", by_alias=True, exclude_none=True)
    body["objectives"][1] |= {"required": False, "weight": 1}
    light = ScenarioSpec.model_validate(body)
    graded = await grade(prometheus, light, evidence(problems=["x"], checks=[found("violated", violations=1)]))
    assert graded.verdict == "inconclusive"
