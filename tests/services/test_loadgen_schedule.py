from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.plan import Stage
from loadgen.schedule import arrival_random, arrivals, pieces


def stage(at: float, rate: float, shape: str = "step") -> Stage:
    return Stage(at=at, rate=rate, shape=shape)


def count(times: list[float], start: float, end: float) -> int:
    return sum(start <= time < end for time in times)


def test_same_seed_same_schedule():
    stages = [stage(0, 50), stage(10, 150, "ramp")]
    assert list(arrivals(stages, 30, 7)) == list(arrivals(stages, 30, 7))


def test_another_seed_another_schedule():
    assert list(arrivals([stage(0, 50)], 10, 7)) != list(arrivals([stage(0, 50)], 10, 8))


@given(
    seed=st.integers(),
    rates=st.lists(st.tuples(st.floats(0.5, 200), st.sampled_from(["step", "ramp"])), min_size=1, max_size=4),
    end=st.floats(0.5, 25),
)
def test_times_ascend_and_stay_inside(seed, rates, end):
    times = list(arrivals([stage(index * 5.0, rate, shape) for index, (rate, shape) in enumerate(rates)], end, seed))
    assert times == sorted(times)
    assert all(0 <= time <= end for time in times)


def test_steps_have_their_rates():
    times = list(arrivals([stage(0, 100), stage(50, 400)], 100, 1))
    # 5 standard deviations of a Poisson count.
    assert count(times, 0, 50) == pytest.approx(5_000, abs=5 * math.sqrt(5_000))
    assert count(times, 50, 100) == pytest.approx(20_000, abs=5 * math.sqrt(20_000))


def test_a_ramp_rises_in_a_line():
    times = list(arrivals([stage(0, 100), stage(100, 300, "ramp")], 100, 1))
    for start in range(0, 100, 20):
        expected = 20 * (100 + 2 * (start + 10))
        assert count(times, start, start + 20) == pytest.approx(expected, abs=5 * math.sqrt(expected))


def test_a_ramp_that_the_end_cuts_off_keeps_its_slope():
    assert pieces([stage(0, 100), stage(100, 300, "ramp")], 50) == [(0, 50, 100, 200)]


def test_nothing_comes_before_the_first_stage():
    assert min(arrivals([stage(5, 100)], 10, 1)) >= 5


def test_gaps_are_exponential():
    times = list(arrivals([stage(0, 100)], 200, 3))
    gaps = [after - before for before, after in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    # Evenly spaced arrivals have none, bunched ones more.
    assert deviation / mean == pytest.approx(1.0, abs=0.05)


def test_each_arrival_draws_its_own():
    draws = {arrival_random(7, index).random() for index in range(1000)}
    assert len(draws) == 1000
    assert arrival_random(7, 3).random() == arrival_random(7, 3).random()
