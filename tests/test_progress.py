import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faultline.errors import HostProblem, InvalidInput
from faultline.progress import Attempt, Claim, ClaimScore, Progress, ScenarioProgress, SolutionSeen, Store

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""How fast a shared machine draws examples says nothing about what is tested."""

attempts = st.builds(
    Attempt,
    run=st.text("abc", min_size=1, max_size=3),
    variant=st.sampled_from(["learner", "flawed", "solution"]),
    score=st.one_of(st.none(), st.integers(0, 100)),
    verdict=st.sampled_from(["pass", "fail", "inconclusive"]),
    ended=st.floats(0, 1e9),
)


def attempt(run, **fields):
    return Attempt(**({"run": run, "variant": "learner", "score": 50, "verdict": "fail", "ended": 100.0} | fields))


def claim(made, *, scored=False, cause="all"):
    """What a learner said at `made`."""
    shares = {"cause": 1.0, "direction": 1.0, "number": 0.5, "confidence": 0.96}
    score = ClaimScore(run="two", after=0.9, moved="up", points=90, **shares) if scored else None
    return Claim(
        made=made,
        cause=cause,
        metric="answers",
        objective="people are answered",
        direction="up",
        expected=0.95,
        confidence=80,
        before_run="one",
        before=0.4,
        score=score,
    )


def test_nothing_is_on_record_at_first(tmp_path):
    assert Store(tmp_path).read().scenarios == {}


def test_what_is_recorded_is_read_back(tmp_path):
    store = Store(tmp_path)
    store.started("shop", 10.0)
    store.started("shop", 20.0)
    store.attempt("shop", attempt("one"))
    store.attempt("shop", attempt("two", score=91, verdict="pass", ended=310.0))
    record = store.read().of("shop")
    assert (record.best, record.passed, record.seconds_to_fix) == (91, 310.0, 210.0)


def test_time_to_fix_counts_from_the_first_run_and_no_night_in_between():
    night = 3 * 86400.0
    record = ScenarioProgress(
        started=0.0,
        attempts=[
            attempt("one", variant="flawed", ended=5000.0),
            attempt("two", ended=5600.0),
            attempt("three", verdict="pass", ended=night + 900.0),
            attempt("four", verdict="pass", ended=night + 9000.0),
        ],
        hints={1: 5300.0, 2: night},
    )
    # Ten minutes, half an hour of the three days, a quarter of an hour.
    assert record.seconds_to_fix == 600 + 1800 + 900


def test_time_to_fix_counts_from_the_first_apply_where_the_first_run_passed():
    passed = attempt("one", verdict="pass", ended=910.0)
    assert ScenarioProgress(started=10.0, attempts=[passed]).seconds_to_fix == 900
    assert ScenarioProgress(attempts=[passed]).seconds_to_fix is None


def test_a_run_is_compared_with_the_newest_flawed_one_and_the_best_of_before():
    record = ScenarioProgress(
        attempts=[
            attempt("flawed-1", variant="flawed", score=20, ended=1),
            attempt("flawed-2", variant="flawed", score=17, ended=2),
            attempt("flawed-3", variant="flawed", score=None, ended=3),
            attempt("mine-1", variant="learner", score=64, ended=4),
            attempt("mine-2", variant="learner", score=64, ended=5),
            attempt("mine-3", variant="learner", score=30, ended=6),
            attempt("solved", variant="solution", score=100, ended=7),
            attempt("mine-4", variant="learner", score=99, ended=9),
        ]
    )
    assert record.before("learner", 8, lambda run: True) == ["flawed-2", "mine-2"]
    assert record.before("learner", 8, lambda run: run != "mine-2") == ["flawed-2", "mine-1"]
    assert record.before("flawed", 8, lambda run: True) == ["mine-2"]
    assert record.before("learner", 1, lambda run: True) == []
    assert record.before("learner", None, lambda run: True) == []


def test_the_same_run_counts_once(tmp_path):
    store = Store(tmp_path)
    store.attempt("shop", attempt("one"))
    store.attempt("shop", attempt("one", score=99))
    assert [each.score for each in store.read().of("shop").attempts] == [50]


def test_code_of_the_catalogue_is_no_success_of_the_learner():
    record = ScenarioProgress(started=1.0, attempts=[attempt("one", variant="solution", score=100, verdict="pass")])
    assert (record.best, record.passed, record.seconds_to_fix) == (None, None, None)


def test_a_run_without_a_conclusion_is_no_attempt():
    assert ScenarioProgress(attempts=[attempt("one", verdict="inconclusive", score=90)]).own == []


def test_hints_come_one_by_one_and_the_last_one_again(tmp_path):
    store = Store(tmp_path)
    assert [store.next_hint("shop", 3, float(now)) for now in range(5)] == [1, 2, 3, 3, 3]
    assert store.read().of("shop").hints == {1: 0.0, 2: 1.0, 3: 2.0}


def test_hints_after_the_first_pass_are_not_counted():
    record = ScenarioProgress(hints={1: 10.0, 2: 20.0, 3: 40.0})
    assert record.hints_used == 3
    passed = Attempt(run="r", variant="learner", score=100, verdict="pass", ended=30.0)
    assert record.model_copy(update={"attempts": [passed]}).hints_used == 2


def test_hints_that_fit_come_before_their_turn(tmp_path):
    store = Store(tmp_path)
    assert store.next_hint("shop", 4, 0.0, [3]) == 3
    assert [store.next_hint("shop", 4, 1.0, [3]) for _ in range(4)] == [1, 2, 4, 4]


def test_a_claim_counts_until_it_is_scored_and_the_first_score_stays():
    record = ScenarioProgress(claims=[claim(1.0, cause="half"), claim(2.0)])
    assert (record.pending, record.diagnosis) == (claim(2.0), None)
    record = ScenarioProgress(claims=[claim(1.0, scored=True), claim(2.0)])
    assert (record.pending, record.diagnosis) == (claim(2.0), 90)
    assert ScenarioProgress(claims=[claim(1.0, scored=True)]).pending is None


def test_the_copy_that_knows_the_score_wins():
    known, unknown = ScenarioProgress(claims=[claim(1.0, scored=True)]), ScenarioProgress(claims=[claim(1.0)])
    assert known.merged(unknown) == unknown.merged(known) == known


def test_a_solution_is_noted_when_it_is_first_opened(tmp_path):
    store = Store(tmp_path)
    store.solution_opened("shop", 5.0)
    store.attempt("shop", attempt("one"))
    store.solution_opened("shop", 9.0)
    assert store.read().of("shop").solution == SolutionSeen(at=5.0, attempts=0)


def test_threads_at_once_all_count(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: Store(tmp_path).attempt("shop", attempt(f"run-{each}")), range(24)))
    assert len(Store(tmp_path).read().of("shop").attempts) == 24


def test_two_processes_at_once_both_count(tmp_path):
    code = (
        "import sys; from pathlib import Path; from faultline.progress import *\n"
        "for n in range(20):\n"
        "    Store(Path(sys.argv[1])).attempt('shop', Attempt(run=sys.argv[2] + str(n), variant='learner',"
        " score=1, verdict='fail', ended=1.0))\n"
    )
    commands = [[sys.executable, "-c", code, str(tmp_path), name] for name in "ab"]
    processes = [subprocess.Popen(each, env={"PYTHONPATH": ":".join(sys.path)}) for each in commands]
    assert [each.wait(60) for each in processes] == [0, 0]
    assert len(Store(tmp_path).read().of("shop").attempts) == 40


def test_a_damaged_file_is_named_and_left_alone(tmp_path):
    store = Store(tmp_path)
    store.path.write_text('{"scenarios": [')
    with pytest.raises(InvalidInput, match=r"progress\.json is damaged"):
        store.attempt("shop", attempt("one"))
    assert store.path.read_text() == '{"scenarios": ['


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.attempt("shop", attempt("one"))

    def fsync(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("faultline.progress.os.fsync", fsync)
    with pytest.raises(HostProblem, match=r"progress\.json cannot be written: No space left on device"):
        store.attempt("shop", attempt("two"))
    assert len(store.read().of("shop").attempts) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["progress.json", "progress.lock"]


@UNHURRIED
@given(st.lists(attempts, max_size=8))
def test_best_is_the_highest_own_score(found):
    record = ScenarioProgress(attempts=found)
    own = [each.score for each in record.own if each.score is not None]
    assert record.best == (max(own) if own else None)
    assert ScenarioProgress.model_validate_json(record.model_dump_json()) == record


records = st.builds(
    ScenarioProgress,
    started=st.none() | st.floats(0, 1e9),
    attempts=st.lists(attempts, max_size=4, unique_by=lambda each: each.run),
    hints=st.dictionaries(st.integers(1, 5), st.floats(0, 1e9), max_size=3),
    claims=st.sampled_from(
        [[], [claim(1.0)], [claim(1.0, scored=True)], [claim(1.0, cause="half"), claim(2.0)], [claim(2.0, scored=True)]]
    ),
    solution=st.sampled_from([None, SolutionSeen(at=1.0, attempts=0), SolutionSeen(at=1.0, attempts=2)]),
)
copies = st.builds(Progress, scenarios=st.dictionaries(st.sampled_from(["shop", "chat", "maps"]), records))


@UNHURRIED
@given(copies, copies, copies)
def test_copies_become_the_same_in_whatever_order_they_are_merged(a, b, c):
    assert a.merged(b) == b.merged(a)
    assert a.merged(b).merged(c) == a.merged(b.merged(c))
    assert a.merged(b).merged(b) == a.merged(b)


@UNHURRIED
@given(copies, copies)
def test_no_merge_loses_anything(a, b):
    merged = a.merged(b)
    for copy in (a, b):
        for slug, record in copy.scenarios.items():
            found = merged.scenarios[slug]
            assert {each.run for each in record.attempts} <= {each.run for each in found.attempts}
            assert set(record.hints) <= set(found.hints)
            assert {each.made for each in record.claims} <= {each.made for each in found.claims}
            assert record.started is None or found.started <= record.started


def test_every_field_is_merged():
    full = ScenarioProgress(
        started=1.0,
        attempts=[attempt("one")],
        hints={1: 2.0},
        claims=[claim(3.0, scored=True)],
        solution=SolutionSeen(at=4.0, attempts=1),
    )
    assert set(full.model_dump(exclude_defaults=True)) == set(ScenarioProgress.model_fields), "fill the new field here"
    assert ScenarioProgress().merged(full) == full
    assert full.merged(ScenarioProgress()) == full
