"""Each way in which a run can be unfit, provoked on a run that is otherwise a clear pass."""

from __future__ import annotations

import pytest

from faultline.grading import grade
from faultline.grading.evidence import Canary, Health
from faultline.grading.validity.base import Question
from faultline.grading.validity.noise import Noise

MARK = 1_800_000_000.0
END = MARK + 63


@pytest.fixture
def doubted(prometheus, spec, evidence):
    """Grades with the given changes to the evidence; the reasons of a run that has to be inconclusive."""

    async def judge(**changes):
        graded = await grade(prometheus, spec, evidence(**changes))
        assert (graded.verdict, graded.score) == ("inconclusive", None)
        assert all("; " in reason for reason in graded.reasons), "each reason says what to do"
        return graded.reasons

    return judge


def healthy(**changes):
    well = {"late_p99": 0.004, "late_max": 0.03, "cpu": 0.3, "dispatched": 6000, "planned": 6000}
    return Health(**(well | {"locust_requests": 6000, "locust_failures": 100} | changes))


async def test_no_word_from_the_load_generator(doubted):
    assert (await doubted(load=None))[0].startswith("no data: the load generator did not say")


async def test_a_load_that_failed(doubted, load_report):
    assert (
        "ended as failed (load.py: boom)" in (await doubted(load=load_report(state="failed", error="load.py: boom")))[0]
    )


async def test_final_numbers_that_never_arrived(fake, doubted):
    fake.rows[r"timestamp\(faultline_load_complete"] = []
    assert "does not hold the load generator's final numbers" in (await doubted())[0]


async def test_stale_numbers(fake, doubted):
    fake.rows[r"timestamp\(faultline_load_complete"] = [({}, END - 3.5)]
    assert (await doubted())[0].startswith("stale data: the load generator was last scraped 3.5 s before grading")


async def test_two_load_generators(fake, doubted):
    fake.rows[r"timestamp\(faultline_load_complete"] = [({"pod": "a"}, END), ({"pod": "b"}, END)]
    assert (await doubted())[0].startswith("several series: 2 load generators")


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        ({"late_p99": 0.051}, "late by 0.051 s or more, over the limit of 0.05"),
        ({"late_max": 1.2}, "late by 1.2 s, over the limit of 1"),
        ({"cpu": 0.93}, "CPU core to a share of 0.93, over the limit of 0.9"),
        ({"cpu": None}, "no data: whether the load generator used its CPU core"),
        ({"late_p99": float("nan")}, "no data: whether the load generator dispatched"),
        ({"dispatched": 5900}, "sent 5900 of 6000 planned requests"),
        ({"planned": None}, "does not say what it planned"),
    ],
)
async def test_a_generator_that_did_not_keep_up(doubted, load_report, health, reason):
    assert reason in (await doubted(load=load_report(health=healthy(**health))))[0]


async def test_a_generator_at_its_limits_is_still_good(prometheus, spec, evidence, load_report):
    limits = healthy(late_p99=0.05, late_max=1.0, cpu=0.9, dispatched=5940)
    graded = await grade(prometheus, spec, evidence(load=load_report(health=limits)))
    assert graded.verdict == "pass"


async def test_a_generator_without_health(doubted, load_report):
    assert "says nothing about its own health" in (await doubted(load=load_report(health=None)))[0]


@pytest.mark.parametrize(
    ("canary", "reason"),
    [
        (None, "the canary was not measured"),
        (Canary(scale=None), "the canary was not measured"),
        (Canary(scale=float("nan")), "the canary was not measured"),
        (Canary(scale=4.0), "4.0 or more times slower than on the reference machine"),
    ],
)
async def test_a_canary_that_says_nothing(doubted, load_report, canary, reason):
    assert reason in (await doubted(load=load_report(canary=canary)))[0]


async def test_cores_too_slow_for_a_labs_limits(prometheus, spec, evidence, doubted):
    assert "cores are 2 or more times slower" in (await doubted(cpu_scale=2.0))[0]
    assert (await grade(prometheus, spec, evidence(cpu_scale=1.9))).verdict == "pass"


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (3900.0, "browse ok: the load generator counted 4000, Prometheus holds 3900"),
        (float("nan"), "Prometheus holds nan"),
    ],
)
async def test_counts_that_differ(fake, doubted, seen, reason):
    fake.rows[r"^sum by \(op, outcome\)"][0] = ({"op": "browse", "outcome": "ok"}, seen)
    assert reason in (await doubted())[0]


async def test_an_operation_that_only_prometheus_knows(fake, doubted):
    fake.rows[r"^sum by \(op, outcome\)"].append(({"op": "forged", "outcome": "ok"}, 5000))
    assert "forged ok: the load generator counted 0" in (await doubted())[0]


async def test_counts_within_one_percent_are_good(fake, prometheus, spec, evidence):
    fake.rows[r"^sum by \(op, outcome\)"][0] = ({"op": "browse", "outcome": "ok"}, 3941)
    assert (await grade(prometheus, spec, evidence())).verdict == "pass"


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        ({"locust_requests": 6100}, "Locust counted 6100 requests, Prometheus holds 6000"),
        ({"locust_failures": 30}, "Locust counted 30 failures, Prometheus holds 100"),
        ({"locust_failures": None}, "no data: the load generator does not say what Locust counted"),
    ],
)
async def test_locust_counted_something_else(doubted, load_report, health, reason):
    assert reason in (await doubted(load=load_report(health=healthy(**health))))[0]


async def test_locust_within_one_percent_is_good(prometheus, spec, evidence, load_report):
    load = load_report(health=healthy(locust_requests=6059, locust_failures=159))
    assert (await grade(prometheus, spec, evidence(load=load))).verdict == "pass"


async def test_requests_that_prometheus_does_not_have(fake, doubted):
    fake.rows[next(key for key in fake.rows if key.endswith('"\\}\\)$') and "outcome" not in key)] = []
    assert "requests by Prometheus are not known: no data" in (await doubted())[0]


async def test_a_harness_that_restarted(fake, doubted):
    fake.rows[r"^max by \(pod\) \(resets"] = [({"pod": "edges-7-b"}, 1)]
    assert (await doubted())[0].startswith("edges-7-b restarted during the run; ")


async def test_a_load_without_requests(doubted, load_report):
    assert "recorded no request" in (await doubted(load=load_report(counts={})))[0]


@pytest.mark.parametrize("component", ["loadgen", "edges", "meter"])
async def test_a_gap_in_the_harness_scrapes(fake, doubted, component):
    key = next(key for key in fake.raw if component in key)
    fake.raw[key] = [(at, value) for at, value in fake.raw[key] if not MARK + 20 < at < MARK + 23]
    assert f"no scrape of {component} for 4.0 s, 19 s into the run" in (await doubted())[0]


async def test_failed_scrapes_are_a_gap_too(fake, doubted):
    key = next(iter(fake.raw))
    fake.raw[key] = [(at, 0.0 if MARK + 20 < at < MARK + 24 else value) for at, value in fake.raw[key]]
    assert "no scrape of loadgen for 5.0 s" in (await doubted())[0]


async def test_scrapes_that_stop_before_the_end(fake, doubted):
    key = next(iter(fake.raw))
    fake.raw[key] = fake.raw[key][:-5]
    assert "no scrape of loadgen for 5.7 s" in (await doubted())[0]


async def test_a_component_that_was_never_scraped(fake, doubted):
    fake.raw[next(iter(fake.raw))] = []
    assert "Prometheus never scraped loadgen" in (await doubted())[0]


@pytest.mark.parametrize(
    ("query", "share", "reason"),
    [
        (r"max_over_time.*faultline_node_cpu", 0.5, "other programs used 50% of the CPU for 10 s, over 35%"),
        (r'max_over_time.*mode="steal"', 0.25, "the hypervisor took 25% of the CPU"),
    ],
)
async def test_host_noise(fake, doubted, query, share, reason):
    fake.rows[query] = [({}, share)]
    assert reason in (await doubted())[0]


async def test_another_lab_that_used_much_is_named_with_what_to_do(prometheus, spec, evidence, fake):
    fake.rows[r"max_over_time.*faultline_node_cpu"] = [({}, 0.5)]

    async def steps():
        found = evidence()
        return [each.next_step for each in await Noise().judge(Question(prometheus, spec, found, found.context(spec)))]

    assert await steps() == ["stop what else runs on this machine and run it again"]
    fake.rows[r"sum by \(namespace\)"] += [({"namespace": "lab-shop"}, 0.09), ({"namespace": "harness-shop"}, 0.02)]
    assert await steps() == ["the lab shop used 11% meanwhile: `faultline delete --name shop`, and run it again"]


async def test_host_noise_that_cannot_be_known(fake, doubted):
    fake.rows[r"max_over_time.*faultline_node_cpu"] = []
    assert "host noise is not known: no data" in (await doubted())[0]


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ({"applied": None, "reverted": None}, "latency-0 was never applied"),
        ({"reverted": None}, "latency-0 has no end on record"),
        ({"applied": MARK + 12.15}, "was applied +150 ms off its plan"),
        ({"applied": MARK + 11.8}, "was applied -200 ms off its plan"),
        ({"reverted": MARK + 22.3}, "was reverted +300 ms off its plan"),
        ({"error": "toxiproxy wedged"}, "had an error: toxiproxy wedged"),
        ({"reverted": MARK + 17.0}, "was cut short by 5.0 s"),
        ({"gap": 0.6}, "was not on for 0.6 s of its 10.0 s"),
        ({"observed": None}, "had no measurable effect on front->payments"),
        ({"cleared": None}, "was not seen to be gone from front->payments"),
    ],
)
async def test_a_fault_that_was_not_as_planned(doubted, fault, times, reason):
    reasons = await doubted(faults=[fault(**times)])
    assert len(reasons) == 1
    assert reason in reasons[0]


async def test_a_fault_that_is_missing_from_the_record(doubted):
    assert "the injector reports 0 of 1 planned faults" in (await doubted(faults=[]))[0]


async def test_an_injector_without_probes_is_not_held_against_the_run(prometheus, spec, evidence, fault):
    graded = await grade(prometheus, spec, evidence(faults=[fault(observed=None, cleared=None)]))
    assert graded.verdict == "pass"


async def test_code_that_changed(doubted):
    assert (await doubted(problems=["the code changed during the run"]))[0].startswith(
        "the code changed during the run"
    )
