"""The grade of a whole run: verdicts, scores, reasons."""

from __future__ import annotations

import pytest

from faultline.clients.prometheus import Prometheus
from faultline.grading import grade, wait_complete
from faultline.grading.evidence import Canary

AVAILABILITY = r'faultline_load_requests_total\{run="run-1".*op="browse".* / sum'


async def test_a_run_that_meets_all_passes_with_100(prometheus, spec, evidence):
    graded = await grade(prometheus, spec, evidence())
    assert (graded.verdict, graded.score, graded.reasons) == ("pass", 100, [])
    assert graded.summary.success_rate == 0.995
    assert graded.summary.requests_per_second == 104.0
    assert graded.summary.recovery_seconds == 2.0


async def test_points_are_linear_between_worst_and_target(fake, prometheus, spec, evidence):
    fake.rows = {r'exact_latency_seconds.*phases="fault",': [({}, 0.8)]} | fake.rows
    graded = await grade(prometheus, spec, evidence())
    assert graded.objectives[1].points == pytest.approx(20)
    assert (graded.verdict, graded.score) == ("pass", 80)


async def test_a_missed_required_objective_caps_the_score_at_79(fake, prometheus, spec, evidence):
    fake.rows = {AVAILABILITY: [({}, 0.989)]} | fake.rows
    graded = await grade(prometheus, spec, evidence())
    assert (graded.verdict, graded.score) == ("fail", 79)
    assert "required objective 'rest of the site stays up' is missed" in graded.reasons[0]


async def test_a_bad_run_fails_and_keeps_query_and_reason(fake, prometheus, spec, evidence):
    fake.rows = {AVAILABILITY: [({}, 0.5)]} | fake.rows
    graded = await grade(prometheus, spec, evidence())
    lost = graded.objectives[0]
    assert (graded.verdict, graded.score, lost.points, lost.met) == ("fail", 40, 0, False)
    assert lost.query.startswith("sum(faultline_load_requests_total{")
    assert (lost.window, lost.value, lost.target) == ("baseline, fault, recovery", 0.5, 0.99)
    assert lost.reason == "a dependency's failure is contained"


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "no data"),
        ([({"op": "a"}, 0.99), ({"op": "b"}, 0.99)], "several series"),
        ([({}, float("nan"))], "nan, which is no number"),
        ([({}, float("inf"))], "inf, which is no number"),
    ],
)
async def test_an_objective_without_a_usable_number_is_never_a_pass(fake, prometheus, spec, evidence, rows, problem):
    fake.rows = {AVAILABILITY: rows} | fake.rows
    graded = await grade(prometheus, spec, evidence())
    assert (graded.verdict, graded.score) == ("inconclusive", None)
    assert graded.objectives[0].value is None
    assert problem in graded.objectives[0].problem
    assert problem in graded.reasons[0]


async def test_fail_beats_a_missing_value_that_could_not_have_saved_the_run(fake, prometheus, spec, evidence):
    fake.rows = {AVAILABILITY: [({}, 0.5)], r'exact_latency_seconds.*phases="fault",': []} | fake.rows
    graded = await grade(prometheus, spec, evidence())
    assert (graded.verdict, graded.score) == ("fail", 0)


async def test_an_invalid_run_is_inconclusive_even_when_it_failed(fake, prometheus, spec, evidence):
    fake.rows = {AVAILABILITY: [({}, 0.1)]} | fake.rows
    graded = await grade(prometheus, spec, evidence(problems=["the code changed during the run"]))
    assert (graded.verdict, graded.score) == ("inconclusive", None)
    (reason,) = graded.reasons  # nothing about a score that it does not have
    assert reason.startswith("the code changed during the run; ")


async def test_a_slow_machine_gets_more_time_up_to_the_cap(prometheus, spec, evidence, load_report):
    slow = load_report(canary=Canary(p50=0.006, p95=0.012, scale=3.0))
    graded = await grade(prometheus, spec, evidence(load=slow))
    availability, latency = graded.objectives
    assert (availability.target, availability.worst) == (0.99, 0.9)
    assert (latency.target, latency.worst) == pytest.approx((0.6, 2.6))
    assert graded.canary_scale == 3.0


async def test_prometheus_that_is_down_makes_it_inconclusive_with_what_to_do(spec, evidence):
    async with Prometheus("http://127.0.0.1:9", timeout=60) as nobody:
        graded = await grade(nobody, spec, evidence())
    assert graded.verdict == "inconclusive"
    assert any("cannot be reached" in each and "make doctor" in each for each in graded.reasons)


async def test_reasons_fit_a_runs_status(prometheus, spec, evidence):
    graded = await grade(prometheus, spec, evidence(problems=[f"problem {n}" for n in range(30)]))
    assert len(graded.reasons) == 20
    assert graded.reasons[-1] == "and 11 more"


async def test_waiting_ends_as_soon_as_the_last_word_is_there(fake, prometheus):
    assert await wait_complete(prometheus, "run-1") > 0
    assert fake.asked == ['faultline_load_complete{run="run-1"}']


async def test_waiting_gives_up_in_time(fake, prometheus):
    fake.rows = {"faultline_load_complete": [({}, 0)]}
    assert await wait_complete(prometheus, "run-1", patience=0.3) > 0
    assert len(fake.asked) >= 2
