"""Each measure's PromQL on a real Prometheus that holds known series; conftest.py says what is in them."""

from __future__ import annotations

import pytest

from faultline.grading.objectives import only
from faultline.measures import MEASURES
from faultline.measures.__main__ import PARAMETERS
from faultline.measures.base import Context, Disturbance

pytestmark = pytest.mark.e2e

CHECKOUT = {"op": "checkout", "phases": ["fault"]}
PAYMENTS = {"dependency": "payments", "op": "checkout", "phases": ["fault"]}

KNOWN = [
    ("availability", {}, (57 * 70 - 30 * (5 + 10)) / (57 * 70)),
    ("availability", CHECKOUT, 0.5),
    ("error_rate", {"phases": ["fault"]}, 15 / 70),
    ("error_rate", {"phases": ["fault"], "outcomes": ["unknown"]}, 10 / 70),
    ("latency_quantile", {"phases": ["fault"]}, 1.25),
    ("latency_quantile", {"op": "checkout", "phases": ["recovery", "fault"]}, 0.8),
    ("latency_quantile", CHECKOUT, 2.5),  # nothing was answered: the deadline
    ("throughput", CHECKOUT, 10),
    ("throughput", {"phases": ["baseline", "recovery"]}, 70),
    ("throughput_ratio", {"op": "browse", "phases": ["fault"]}, 0.9),
    ("time_to_recover", {}, 3),
    ("time_to_recover", {"op": "checkout"}, 7),
    # 60/s until the cut at 24 s, then 16 s of 100 connections/s and 2 s of 2/s, for 600 operations
    ("retry_amplification", PAYMENTS | {"edge": "checkout->payments"}, (720 + 1604) / 600),
    ("retry_amplification", PAYMENTS, (720 + 1604) / 600),
    ("retry_amplification", PAYMENTS | {"counted_at": "dependency"}, (720 + 40) / 600),
    ("retry_amplification", PAYMENTS | {"counted_at": "edge"}, (60 + 1604) / 600),
    ("retry_amplification", PAYMENTS | {"phases": ["baseline"]}, 1.0),
    ("error_budget_burnt", CHECKOUT | {"serviceLevel": 0.95}, 0.5 / 0.05),
    ("dip_depth", {"op": "browse"}, 0.1),
    ("dip_depth", {"op": "checkout", "phases": ["baseline"]}, 0.0),
    ("cache_hit_ratio", {"phases": ["baseline"]}, 0.9),
    ("cache_hit_ratio", {"phases": ["fault"]}, 0.5),
    ("cpu_per_1000", {"phases": ["fault"]}, 9 / 1.65),
    ("cpu_per_1000", {"phases": ["fault"], "parts": ["store"]}, 3 / 1.65),
    ("memory_per_1000", {"phases": ["fault"]}, 160 * 30 / 1.65),
    ("availability", {"fault": "greedy"}, 0.25),
    ("throughput", {"fault": "greedy", "phases": ["fault"]}, 10),
    ("latency_quantile", {"fault": "greedy", "phases": ["fault"]}, 0.1),
    # 9 core seconds at 3.6 an hour, and 160 MiB for 30 s at 36 for a GiB's hour
    (
        "cost_per_1000",
        {"phases": ["fault"], "coreHour": 3.6, "gibHour": 36},
        (9 * 0.001 + 160 / 1024 * 30 * 0.01) / 1.65,
    ),
    ("backend_share", {"service": "front", "phases": ["fault"]}, 0.2 / 0.3),
    ("load_imbalance", {"service": "front", "phases": ["fault"]}, 0.2 / 0.15),
    ("backend_share", {"service": "payments", "countedBy": "requests", "phases": ["baseline"]}, 1.0),
    ("connections_in_use", {}, 18),
    ("connections_in_use", {"statistic": "end"}, 8),
    ("connections_in_use", {"store": "redis", "phases": ["baseline"], "statistic": "mean"}, 5),
    ("connections_in_use", {"store": "pgbouncer"}, 23),
    ("rows_read_per_request", {"phases": ["fault"]}, 7000 / 55),
    ("rows_read_per_request", {"phases": ["baseline"]}, 100),
    ("queue_depth", {"queue": "jobs"}, 300),
    ("queue_depth", {"queue": "jobs", "phases": ["baseline"]}, 0),
    ("queue_depth", {"queue": "jobs", "phases": ["fault"], "statistic": "p95"}, 285),
    ("queue_age", {"queue": "jobs"}, 15),
    ("replica_lag", {"phases": ["fault"]}, 4.0),
    ("replica_lag", {"phases": ["baseline"], "statistic": "mean"}, 0.1),
    ("time_to_detect", {}, 8),
    ("time_to_detect", {"alert": "payments are slow"}, 20),
    ("time_to_detect", {"alert": "disk full"}, 45),
    ("promql", PARAMETERS["promql"] | {"phases": ["baseline"]}, 20),
]


@pytest.mark.parametrize(("name", "parameters", "value"), KNOWN)
async def test_a_measure_gives_the_number_that_the_series_hold(prometheus, context, name, parameters, value):
    measure = MEASURES[name].model_validate(parameters)
    found, problem = only(await prometheus.instant(measure.query(context), context.end))
    assert problem == ""
    # Readings are up to half a scrape off: 0.5 s of the 12 to 30 s here, at a rate that jumps at the windows' edges.
    assert found == pytest.approx(
        value,
        rel=0.055 if name in ("retry_amplification", "cache_hit_ratio", "queue_depth") else 0.01,
        abs=2.0 if name == "time_to_detect" else 0.001,
    )


def test_every_measure_is_tried():
    assert {name for name, _, _ in KNOWN} == set(MEASURES)


@pytest.mark.parametrize("name", sorted(MEASURES))
async def test_a_run_that_prometheus_does_not_know_has_no_number(prometheus, context, name):
    parameters = PARAMETERS.get(name, {})
    stranger = context.model_copy(update={"run": "run-2", "lab_namespace": "lab-x", "harness_namespace": "harness-x"})
    query = MEASURES[name].model_validate(parameters).query(stranger)
    assert only(await prometheus.instant(query, stranger.end))[0] is None


@pytest.mark.parametrize("statistic", ["max", "mean", "p95"])
async def test_a_queue_that_was_seen_too_seldom_has_no_number(prometheus, context, statistic):
    found = {}
    for queue in ("blinking", "unseen"):
        measure = MEASURES["queue_depth"].model_validate({"queue": queue, "statistic": statistic})
        found[queue] = only(await prometheus.instant(measure.query(context), context.end), measure.nothing)
    nothing = "no data: fewer than 80% of the seconds have a reading of the queue"
    assert found == {"blinking": (7, ""), "unseen": (None, nothing)}


@pytest.mark.parametrize("statistic", ["max", "mean", "p95"])
async def test_replicas_that_were_seen_too_seldom_have_no_lag(prometheus, context, statistic):
    measure = MEASURES["replica_lag"].model_validate({"phases": ["fault"], "statistic": statistic})
    found = {}
    for lab in ("lab-late", "lab-later"):
        query = measure.query(context.model_copy(update={"lab_namespace": lab}))
        found[lab] = only(await prometheus.instant(query, context.end), measure.nothing)
    nothing = "no data: fewer than 80% of the seconds have a reading of a replica"
    assert found == {"lab-late": (pytest.approx(3), ""), "lab-later": (None, nothing)}


@pytest.mark.parametrize(("phase", "ratio"), [("baseline", 0.5), ("fault", None), ("recovery", 0.9)])
async def test_a_redis_that_began_to_count_anew_has_no_hit_ratio(prometheus, context, phase, ratio):
    measure = MEASURES["cache_hit_ratio"].model_validate({"phases": [phase]})
    query = measure.query(context.model_copy(update={"lab_namespace": "lab-emptied"}))
    found = only(await prometheus.instant(query, context.end), measure.nothing)
    nothing = "no data: nothing was looked up, or Redis began to count anew"
    assert found == ((None, nothing) if ratio is None else (pytest.approx(ratio, rel=0.05), ""))


async def test_a_queue_is_at_the_end_what_it_was_last(prometheus, context):
    measure = MEASURES["queue_depth"].model_validate({"queue": "unseen", "statistic": "end"})
    assert only(await prometheus.instant(measure.query(context), context.end)) == (7, "")


async def test_retries_are_not_guessed_when_the_dependency_does_not_count(prometheus, context):
    query = MEASURES["retry_amplification"].model_validate({"dependency": "stock", "edge": "checkout->payments"})
    assert await prometheus.instant(query.query(context), context.end) == []


async def test_retries_are_not_guessed_when_the_edge_does_not_count(prometheus, context):
    query = MEASURES["retry_amplification"].model_validate({"dependency": "payments", "edge": "shop->payments"})
    assert await prometheus.instant(query.query(context), context.end) == []


async def test_faults_that_start_with_their_phase_leave_no_part_without_scrapes(prometheus, context: Context):
    start, end = context.windows["fault"]
    faults = [Disturbance(name="slow", edge="checkout->payments", start=start + 0.02, end=end - 0.01)]
    narrow = context.model_copy(update={"faults": faults})
    query = MEASURES["retry_amplification"].model_validate(PAYMENTS).query(narrow)
    assert len(await prometheus.instant(query, context.end)) == 1


async def test_quotes_in_a_name_stay_within_their_string(prometheus, context):
    measure = MEASURES["availability"].model_validate({"op": 'a"} or vector(1) #\\'})
    value, _ = only(await prometheus.instant(measure.query(context), context.end))
    assert value is None


async def test_raw_samples_come_with_their_own_times(prometheus, context):
    selector = 'faultline_load_recovery_seconds{op="checkout"}[5s]'
    (series,) = await prometheus.raw(selector, context.end)
    assert [at - context.windows["baseline"][0] for at, _ in series.points] == pytest.approx(
        [59.3, 60.3, 61.3, 62.3, 63.3]
    )


async def test_several_series_are_no_number(prometheus, context):
    measure = MEASURES["promql"].model_validate(
        {"query": 'faultline_pod_memory_bytes{namespace="$lab"}', "unit": "bytes", "direction": "lower"}
    )
    value, problem = only(await prometheus.instant(measure.query(context), context.end))
    assert (value, problem) == (None, "several series: the query gives 3 values where one was meant")


async def test_a_pod_that_came_later_did_all_of_its_work_since(prometheus, context: Context):
    measure = MEASURES["backend_share"].model_validate({"service": "late", "phases": ["fault"]})
    value, _ = only(await prometheus.instant(measure.query(context), context.end))
    assert value == pytest.approx(0.6, abs=0.02)
