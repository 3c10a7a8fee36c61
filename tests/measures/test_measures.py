"""The measures' query texts and parameters; test_promql.py tries the queries on a real Prometheus."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from faultline.api.run import QUERY_LIMIT
from faultline.measures import MEASURES
from faultline.measures.__main__ import PARAMETERS
from faultline.measures.base import Disturbance, grown
from faultline.scenario import ObjectiveSpec

MARK = 1_790_000_000.0
REQUESTS = 'faultline_load_requests_total{run="run-1",phase=~"baseline|fault|recovery",fault=""'
OFFERED = 'faultline_load_offered_total{run="run-1",phase=~"baseline|fault|recovery",fault=""'

TEXTS = [
    ("availability", {}, f'sum({REQUESTS},outcome="ok"}}) / sum({REQUESTS}}})'),
    ("error_rate", {"outcomes": ["unknown"]}, f'sum({REQUESTS},outcome="unknown"}}) / sum({REQUESTS}}})'),
    (
        "latency_quantile",
        {"phases": ["recovery", "fault"], "quantile": "0.99"},
        "clamp_max(faultline_load_exact_latency_seconds"
        '{run="run-1",phases="fault+recovery",op="",fault="",quantile="0.99"}, 2.5)',
    ),
    ("throughput", {}, f'sum({REQUESTS},outcome="ok"}}) / 57'),
    (
        "throughput_ratio",
        {"op": "buy"},
        f'sum({REQUESTS},op="buy",outcome="ok"}}) / sum({OFFERED},op="buy"}})',
    ),
    ("time_to_recover", {"op": "buy"}, 'faultline_load_recovery_seconds{run="run-1",op="buy"}'),
]


@pytest.mark.parametrize(("name", "parameters", "text"), TEXTS)
def test_the_query_is_what_a_person_would_write(context, name, parameters, text):
    assert MEASURES[name].model_validate(parameters).query(context) == text


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_each_measure_says_unit_direction_and_window(name):
    measure = MEASURES[name].model_validate(PARAMETERS.get(name, {}))
    assert measure.value_unit
    assert measure.improves in ("higher", "lower")
    assert measure.window()


@pytest.mark.parametrize("phases", [["baseline", "recovery"], ["fault", "fault"]])
def test_quantiles_exist_for_contiguous_phases_only(phases):
    with pytest.raises(ValidationError, match="must follow each other and differ"):
        MEASURES["latency_quantile"].model_validate({"phases": phases})


def test_retries_are_split_where_faults_on_the_edge_begin_and_end(context):
    query = MEASURES["retry_amplification"].model_validate(
        {"dependency": "payments", "edge": "checkout->payments", "phases": ["fault", "recovery"]}
    )
    text = query.query(context)
    # 12 to 24 (slow), 24 to 40 (cut off; its start is too near), 40 to the end of the drain
    assert text.count("max(") == 3
    assert '/ sum(faultline_load_offered_total{run="run-1",phase=~"fault|recovery",fault=""})' in text


def test_a_fault_on_another_edge_splits_nothing(context):
    query = MEASURES["retry_amplification"].model_validate({"dependency": "stock", "counted_at": "dependency"})
    assert query.query(context).count("last_over_time") == 2


def test_a_query_fits_a_runs_status_however_many_faults_there_are(context):
    long = "a" * 40
    flaps = [
        Disturbance(name=f"{at}", edge=f"{long}->{long}", start=MARK + at, end=MARK + at + 3.5)
        for at in range(12, 50, 7)
    ]
    names = {"lab_namespace": f"lab-{long}", "harness_namespace": f"harness-{long}", "run": long, "faults": flaps}
    measure = MEASURES["retry_amplification"].model_validate(
        {"dependency": long, "edge": f"{long}->{long}", "op": long}
    )
    text = measure.query(context.model_copy(update=names))
    assert text.count("max(") == 4
    assert len(text) <= QUERY_LIMIT


def test_growth_is_read_half_a_scrape_late():
    assert grown("c", 100, 110) == (
        "sum(last_over_time(c[10s] @ 110.5)) - (sum(last_over_time(c[9s] @ 100.5)) or vector(0))"
    )


PROMQL = {"query": "vector(1)", "unit": "s", "direction": "lower"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"query": 'x{namespace="$namespace"}'}, r"must name none but \$run, .*, got \$namespace"),
        ({"query": "x$"}, r"must have \$\$ for a dollar sign"),
        ({"query": "sum(app_requests_total)"}, "must not read what the graded app says of itself"),
        ({"query": '{__name__=~"a.*"}'}, "must not read what the graded app says of itself"),
        ({"query": ""}, "at least 1 character"),
        ({"direction": "up"}, "should be 'higher' or 'lower'"),
    ],
)
def test_promql_that_cannot_be_graded_is_refused(changes, problem):
    with pytest.raises(ValidationError, match=problem):
        MEASURES["promql"].model_validate(PROMQL | changes)


def test_promql_takes_unit_and_direction_from_the_objective(context):
    measure = MEASURES["promql"].model_validate(PROMQL | {"query": "x$range / $seconds", "phases": ["fault"]})
    assert (measure.value_unit, measure.improves) == ("s", "lower")
    assert measure.query(context) == "x[30s] @ 1790000042 / 30"


@pytest.mark.parametrize(("target", "worst", "good"), [(1, 2, True), (2, 1, False), (1, 1, False)])
def test_an_objective_on_promql_keeps_to_its_direction(target, worst, good):
    body = {"name": "n", "weight": 1, "reason": "r", "target": target, "worst": worst, "promql": PROMQL}
    if good:
        assert ObjectiveSpec.model_validate(body).type == "promql"
    else:
        with pytest.raises(ValidationError, match="must be below worst"):
            ObjectiveSpec.model_validate(body)
