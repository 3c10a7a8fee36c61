from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.results import Exact, Sample, exact_quantiles, quantile, ranges, recovery_seconds


def sample(intended: float, outcome: str = "ok", op: str = "buy", phase: str = "recovery", latency=0.01) -> Sample:
    return Sample(op, phase, intended, outcome, latency)


def second(start: float, ok: int, bad: int, outcome: str = "failed", op: str = "buy") -> list[Sample]:
    outcomes = ["ok"] * ok + [outcome] * bad
    return [sample(start + index / len(outcomes), each, op) for index, each in enumerate(outcomes)]


def recovered(samples: list[Sample], op: str = "buy") -> float:
    return recovery_seconds(samples, fault_end=40.0, load_end=50.0)[op]


def test_no_bad_second_is_no_time():
    assert recovered([each for start in range(40, 50) for each in second(start, 20, 0)]) == 0.0


def test_time_goes_to_the_end_of_the_last_bad_second():
    samples = [*second(40, 0, 20), *second(41, 20, 0), *second(42, 10, 10), *second(43, 20, 0), *second(49, 20, 0)]
    assert recovered(samples) == 3.0


def test_95_of_100_is_good_and_94_is_not():
    assert recovered(second(41, 95, 5)) == 0.0
    assert recovered(second(41, 94, 6)) == 2.0


def test_unknown_is_not_ok():
    assert recovered(second(41, 0, 20, "unknown")) == 2.0


def test_never_well_is_the_whole_recovery():
    assert recovered([each for start in range(40, 50) for each in second(start, 10, 10)]) == 10.0


def test_the_whole_recovery_is_the_most_when_the_last_second_is_a_part():
    assert recovery_seconds(second(49.0, 0, 5), fault_end=39.5, load_end=49.75)["buy"] == pytest.approx(10.25)


def test_what_came_before_the_end_of_the_fault_does_not_count():
    assert recovered([*second(39, 0, 20), *second(40, 20, 0)]) == 0.0


def test_seconds_are_counted_from_the_end_of_the_fault():
    # 40.5 to 41.5 is one second when the fault ended at 40.5.
    assert recovery_seconds(second(40.5, 0, 10), fault_end=40.5, load_end=50.0)["buy"] == 1.0


def test_operations_are_judged_apart_and_together():
    samples = [*second(40, 90, 0), *second(40, 0, 2, op="pay")]
    assert recovery_seconds(samples, 40.0, 50.0) == {"": 0.0, "buy": 0.0, "pay": 1.0}


def test_an_operation_without_requests_after_the_fault_is_left_out():
    assert recovery_seconds(second(20, 10, 0), 40.0, 50.0) == {}


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0.01, 1.0))
def test_a_quantile_is_the_smallest_value_that_covers_its_share(values, q):
    ordered = sorted(values)
    found = quantile(ordered, q)
    assert sum(value <= found for value in ordered) >= q * len(ordered) - 1e-9
    smaller = [value for value in ordered if value < found]
    assert len(smaller) < q * len(ordered) + 1e-9


def test_quantiles_of_a_hundred():
    ordered = [float(value) for value in range(1, 101)]
    assert [quantile(ordered, q) for q in (0.5, 0.95, 0.99)] == [50.0, 95.0, 99.0]


def test_ranges_are_all_contiguous_ones():
    assert ["+".join(each) for each in ranges()] == [
        "baseline",
        "baseline+fault",
        "baseline+fault+recovery",
        "fault",
        "fault+recovery",
        "recovery",
    ]


def test_quantiles_join_phases_and_operations():
    samples = [sample(1, phase="fault", latency=0.1), sample(2, op="pay", phase="recovery", latency=0.3)]
    found = exact_quantiles(samples)
    assert Exact("fault+recovery", "", 0.99, 0.3) in found
    assert Exact("fault+recovery", "buy", 0.99, 0.1) in found
    assert Exact("fault", "", 0.99, 0.1) in found
    assert not [each for each in found if each.phases == "baseline"]


def test_unanswered_requests_have_no_latency():
    samples = [sample(1, latency=0.1), sample(2, "unknown", latency=None)]
    assert Exact("recovery", "buy", 0.99, 0.1) in exact_quantiles(samples)


def test_where_nothing_was_answered_the_quantile_is_infinite():
    assert Exact("recovery", "buy", 0.5, math.inf) in exact_quantiles([sample(1, "unknown", latency=None)])
