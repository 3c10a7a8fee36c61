"""Over thousands of generated histories: nothing that a correct system does is a violation, what it does not is one."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.checks.generated import anything, explained, messages, sequential
from tests.checks.made import get, judge, op, put

from faultline.checks._history import FINAL_READS
from faultline.checks._register import Step, linearizable, smallest, steps_of

# A thousand and three hundred, but for `make check`, which takes a tenth: see tests/conftest.py.
MANY = settings(max_examples=10 * settings.default.max_examples, deadline=None)
SOME = settings(max_examples=3 * settings.default.max_examples, deadline=None)
ASK = {"writes": ["put"], "reads": ["get"]}


@MANY
@given(sequential())
def test_a_store_that_works_violates_nothing(history):
    for check, parameters in {
        "linearizable": ASK,
        "lost_writes": ASK,
        "read_your_writes": ASK,
        "monotonic_reads": ASK,
        "bounded_staleness": ASK | {"bound": "0s"},
    }.items():
        assert judge(check, parameters, *history).violations == [], check


@MANY
@given(anything())
def test_the_search_and_trying_every_order_agree(steps):
    assert linearizable(steps) == explained(steps)


@SOME
@given(anything(most=7))
def test_the_smallest_example_is_one_and_nothing_can_go(steps):
    if linearizable(steps):
        return
    small = smallest(steps)
    assert not explained(small)
    assert Counter(small) <= Counter(steps)
    for each in small:
        if not each.write:
            rest = list(small)
            rest.remove(each)
            assert explained(rest)


@MANY
@given(sequential(keys=1, final=False), st.integers(-1, 16))
def test_a_final_read_is_lost_exactly_when_no_order_of_the_writes_explains_it(history, value):
    writes = [each for each in history if each.op == "put"]
    read = get("k0", None if value < 0 else value, (900, 901), final=True)
    found = judge("lost_writes", ASK, *writes, read)
    if not any(each.outcome == "ok" for each in writes):
        return
    steps = steps_of([*writes, read], ["put"], [])
    strange = read.result not in [step.value for step in steps if step.write]
    assert bool(found.violations) == (not linearizable(steps, read.result if strange else None))


@SOME
@given(sequential(keys=1), st.data())
def test_a_value_from_before_an_acknowledged_write_is_seen_as_stale_and_as_not_linearizable(history, data):
    acknowledged = [each for each in history if each.op == "put" and each.outcome == "ok"]
    last = max(acknowledged, key=lambda each: each.end, default=None)
    older = [each for each in acknowledged if last and each.end < last.start]
    if not last or not older:
        return
    stale = get("k0", data.draw(st.sampled_from(older)).value, (700, 701), session=last.session)
    for check, parameters in {
        "linearizable": ASK,
        "bounded_staleness": ASK | {"bound": "1s"},
        "read_your_writes": ASK,
    }.items():
        assert judge(check, parameters, *history, stale).result == "violated", check
    newer = get("k0", last.value, (698, 699), session=last.session)
    assert judge("monotonic_reads", ASK, *history, newer, stale).result == "violated"


@SOME
@given(st.permutations(range(6)))
def test_an_order_is_right_exactly_when_it_is_sorted(order):
    received = op("poll", "room", None, (90, 91), result=[f"m{n}" for n in order])
    found = judge("order_per_key", {"sends": ["post"], "receives": ["poll"]}, *messages(6), received)
    assert (found.result == "holds") == (list(order) == sorted(order))


@SOME
@given(st.lists(st.integers(0, 7), max_size=20))
def test_deliveries_are_counted(arrived):
    sends = [op("post", "room", n, (n, n + 0.5)) for n in range(8)]
    takes = [op("take", "room", None, (90 + i, 90.5 + i), result=n) for i, n in enumerate(arrived)]
    end = op("take", "room", None, (990, 991), result=[], phase=FINAL_READS)
    ask = {"sends": ["post"], "receives": ["take"]}
    times = Counter(arrived)
    found = judge("at_most_once", ask, *sends, *takes, end)
    assert len(found.violations) == sum(count > 1 for count in times.values())
    found = judge("at_least_once", ask, *sends, *takes, end)
    assert len(found.violations) == sum(times[n] == 0 for n in range(8))


@SOME
@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.booleans())
def test_fencing_accepts_rising_tokens_and_no_other(tokens, apart):
    """Effects one after the other, or all at once: then they have no order."""
    effects = [
        op("work", "l", None, (i, i + 0.5) if apart else (0, 50), token=token, session=f"s{token}")
        for i, token in enumerate(tokens)
    ]
    locks = [op("lock", "l", None, (-9, -8), result=token, session=f"s{token}") for token in set(tokens)]
    found = judge("mutual_exclusion", {"acquires": ["lock"], "effects": ["work"]}, *locks, *effects)
    assert (found.result == "holds") == (not apart or tokens == sorted(tokens))


@SOME
@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=1, max_size=8), st.decimals(0, 3, places=2))
def test_a_sum_holds_exactly_when_nothing_is_missing(parts, missing):
    total = sum(parts)
    reads = [get("all", [str(each) for each in parts], (0, 1)), get("all", [str(total - missing)], (2, 3))]
    found = judge("constant_sum", {"reads": ["get"], "total": float(total)}, *reads)
    assert (found.result == "holds") == (missing == 0)


@SOME
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=12))
def test_what_is_given_out_once_to_each_owner_is_unique(given_out):
    operations = [
        op("book", f"owner{owner}", None, (i, i + 0.5), result=seat) for i, (seat, owner) in enumerate(given_out)
    ]
    found = judge("unique", {"operations": ["book"], "to": "key"}, *operations)
    owners = {seat: {owner for other, owner in given_out if other == seat} for seat, _ in given_out}
    assert (found.result == "holds") == all(len(each) == 1 for each in owners.values())


@SOME
@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), min_size=1))
def test_an_effect_is_a_duplicate_exactly_when_there_are_more_than_one(counts):
    sent = [op("charge", key, 1, (0, 1), outcome="unknown") for key in counts]
    reads = [op("charges", key, None, (9, 10), result=n, phase=FINAL_READS) for key, n in counts.items()]
    found = judge("duplicate_effects", {"effects": ["charge"], "reads": ["charges"]}, *sent, *reads)
    assert len(found.violations) == sum(n > 1 for n in counts.values())


@SOME
@given(st.lists(st.tuples(st.sampled_from(["eu", "us"]), st.integers(0, 30), st.integers(0, 1)), max_size=10))
def test_sites_converge_exactly_when_all_that_is_read_late_is_the_same(reads):
    operations = [op("get", "k", None, (at, at + 0.5), result=value, site=site) for site, at, value in reads]
    found = judge(
        "convergence",
        {"reads": ["get"], "writes": ["put"], "within": "10s"},
        put("k", 1, (0, 1)),
        *operations,
        healed=5,
    )
    late = [(site, value) for site, at, value in reads if at >= 15]
    if len({value for _, value in late}) > 1:
        assert found.result == "violated"
    else:
        assert found.result == ("holds" if len({site for site, _ in late}) == 2 else "undecided")


def test_a_hundred_operations_eight_at_a_time_with_eight_unknown_are_decided():
    """The worst that rotating keys lead to: as many at once as they allow, and no order explains the last read."""
    steps = [Step(n % 2 == 0, n // 16 * 8 + n % 8 // 2, n // 8 * 10.0, n // 8 * 10.0 + 9) for n in range(88)]
    steps += [Step(True, 100 + n, 0.0, math.inf) for n in range(8)]
    steps += [Step(False, 100 + n, 200.0 + n, 200.5 + n) for n in range(3)]
    assert linearizable(steps)
    assert not linearizable([*steps, Step(False, 100, 204.0, 205.0)])
