"""Over thousands of generated histories: nothing that a correct system does is a violation, what it does not is one."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import combinations, product

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.checks.generated import (
    FATES,
    NEVER,
    anything,
    collected,
    counted,
    explained,
    locked,
    possible,
    register,
    sequential,
    stored,
)
from tests.checks.made import get, judge, op, put

from faultline.checks._history import FINAL_READS
from faultline.checks._register import Step, linearizable, smallest
from faultline.checks.linearizable import MOST_UNKNOWN

# Every check sees two thousand histories or more, in one test or in several of a thousand; `make check` takes a tenth:
# see tests/conftest.py.
THOUSANDS = settings(max_examples=20 * settings.default.max_examples, deadline=None)
THOUSAND = settings(max_examples=10 * settings.default.max_examples, deadline=None)
ASK = {"writes": ["put"], "reads": ["get"], "deletes": ["del"]}
LIST = ASK | {"holds": "list"}
ROOMS = ("a", "b")
AT = st.tuples(st.integers(0, 20), st.sampled_from([0.5, 3.5, 8.5])).map(lambda at: (at[0], at[0] + at[1]))
"""When an operation begins and ends."""
SEEN = st.sampled_from([{}] * 5 + [seen for _, seen in FATES.values() if seen])
"""How it comes out: half of them well."""
ANSWERED = st.sampled_from([{}] * 4 + [{"outcome": "unknown"}])
"""How a read does."""


# Values and lists that are written, removed and read.

STORES = {
    "linearizable": ASK,
    "lost_writes": ASK,
    "read_your_writes": ASK,
    "bounded_staleness": ASK | {"bound": "0s"},
    "monotonic_reads": ASK,
}


@THOUSAND
@given(sequential(again=True))
def test_a_store_that_works_violates_nothing(history):
    for check, parameters in STORES.items():
        assert judge(check, parameters, *history).violations == [], check
    written = {each.key for each in history if each.op != "get" and each.outcome == "ok"}
    found = judge("lost_writes", ASK, *history)
    assert found.examined == len(written)


@THOUSAND
@given(sequential(again=True, first="old"))
def test_nor_does_one_whose_keys_held_something_at_first(history):
    for check, parameters in STORES.items():
        assert judge(check, parameters, *history).violations == [], check


@THOUSAND
@given(sequential(again=True, removes=False))
def test_nor_does_one_from_which_nothing_is_removed(history):
    for check, parameters in STORES.items():
        assert judge(check, parameters, *history).violations == [], check


@THOUSAND
@given(collected())
def test_nor_does_one_of_lists(history):
    for check, parameters in {
        "lost_writes": LIST,
        "read_your_writes": LIST,
        "monotonic_reads": LIST,
        "bounded_staleness": LIST | {"bound": "0s"},
    }.items():
        assert judge(check, parameters, *history).violations == [], check


@THOUSANDS
@given(anything())
def test_the_search_and_trying_every_order_agree(steps):
    assert linearizable(steps) == explained(steps)


@THOUSAND
@given(sequential(most=7, final=False), st.data())
def test_what_is_read_is_linearizable_exactly_when_some_order_of_each_key_explains_it(history, data):
    reads = [n for n, each in enumerate(history) if each.op == "get" and each.outcome == "ok"]
    assume(reads)
    place = data.draw(st.sampled_from(reads))
    told = history[place]
    changed = get(told.key, data.draw(st.sampled_from([None, *range(8)])), (told.start, told.end))
    history = [*history[:place], changed, *history[place + 1 :]]
    expected = 0
    for key in ("k0", "k1"):
        steps = register([each for each in history if each.key == key])
        written = {each.value for each in steps if each.write}
        first = {None, *(each.value for each in steps if not each.write)} - (written - {None})
        expected += not any(explained(steps, held) for held in first)
    assert len(judge("linearizable", ASK, *history).violations) == expected


@THOUSANDS
@given(anything(most=7))
def test_the_smallest_example_is_one_and_nothing_can_go(steps):
    assume(not linearizable(steps))
    small = smallest(steps)
    assert not explained(small)
    assert Counter(small) <= Counter(steps)
    for each in small:
        if not each.write:
            rest = list(small)
            rest.remove(each)
            assert explained(rest)


@THOUSAND
@given(sequential(keys=1, final=False, again=True), st.integers(-1, 16))
def test_a_final_read_is_lost_exactly_when_no_order_of_the_writes_explains_it(history, value):
    writes = [each for each in history if each.op != "get"]
    early, read = get("k0", 77, (890, 891), final=True), get("k0", None if value < 0 else value, (900, 901), final=True)
    found = judge("lost_writes", ASK, *writes, early, read)
    steps = register([*writes, read])
    strange = read.result not in [step.value for step in steps if step.write]
    assert bool(found.violations) == (not linearizable(steps, read.result if strange else None))


def over(write):
    """When its effect was there at the latest."""
    return write.end if write.outcome == "ok" else math.inf


def sources(read, writes):
    """The writes that its answer may come from; None where all of them began after it."""
    own = [each for each in writes if possible(each) and stored(each) == read.result]
    began = [each for each in own if each.start <= read.end]
    return began if began or not own else None


@THOUSAND
@given(sequential(keys=1, final=False, again=True), AT, st.sampled_from([0, 2, 10]), st.data())
def test_a_value_is_too_old_exactly_when_no_order_explains_it_that_long_before(history, at, bound, data):
    """Not asked: what is to be said of an answer that only writes of the future could have given."""
    writes = [each for each in history if each.op != "get"]
    value = data.draw(st.sampled_from([None, 99, *map(stored, writes)]))
    read = get("k0", value, (at[0] + 20, at[1] + 20))
    assume(sources(read, writes) is not None)
    found = judge("bounded_staleness", ASK | {"bound": f"{bound}s"}, *writes, read)
    steps = register(writes)
    first = None if read.result in [step.value for step in steps] else read.result
    stale = not linearizable([*steps, Step(False, read.result, read.start - bound, read.end)], first)
    assert bool(found.violations) == stale


@THOUSAND
@given(collected(keys=1, final=False, values=2), st.sets(st.integers(0, 2)), AT, st.sampled_from([0, 2, 10]))
def test_a_list_is_too_old_exactly_when_no_order_explains_what_it_has_or_has_not(history, there, at, bound):
    """Each value on its own is there or not, which is a register; whether it was there at first is not known."""
    writes = [each for each in history if each.op != "get"]
    read = get("k0", sorted(there), (at[0] + 20, at[1] + 20))
    stale = False
    for value in range(3):
        own = [each for each in writes if each.value == value]
        steps = [step._replace(value=step.value is not None) for step in register(own)]
        steps.append(Step(False, value in there, read.start - bound, read.end))
        stale = stale or not any(linearizable(steps, first) for first in (False, True))
    found = judge("bounded_staleness", LIST | {"bound": f"{bound}s"}, *writes, read)
    assert bool(found.violations) == stale
    if bound == 0:
        final = get("k0", sorted(there), (at[0] + 20, at[1] + 20), final=True)
        acknowledged = any(each.outcome == "ok" for each in writes)
        assert bool(judge("lost_writes", LIST, *writes, final).violations) == (stale and acknowledged)


@THOUSAND
@given(sequential(keys=1, final=False, again=True), st.integers(20, 50), st.data())
def test_a_session_misses_its_write_exactly_when_all_that_it_may_have_read_is_older(history, at, data):
    writes = [each for each in history if each.op != "get"]
    value = data.draw(st.sampled_from([None, 99, *map(stored, writes)]))
    own = [each for each in writes if each.outcome == "ok" and each.end < at]
    assume(own)
    session = data.draw(st.sampled_from(own)).session
    own = [each for each in own if each.session == session]
    read = get("k0", value, (at, at + 3), session=session)
    may = sources(read, writes)
    assume(may is not None)
    found = judge("read_your_writes", ASK, *writes, read)
    missed = all(any(over(older) < each.start for each in own) for older in may)
    assert (bool(found.violations), found.examined) == (missed, 1)


@THOUSAND
@given(collected(keys=1, final=False, values=2), st.sets(st.integers(0, 2)), st.integers(20, 50), st.data())
def test_a_session_misses_in_a_list_what_it_did_and_nothing_undid(history, there, at, data):
    writes = [each for each in history if each.op != "get"]
    own = [each for each in writes if each.outcome == "ok" and each.end < at]
    assume(own)
    session = data.draw(st.sampled_from(own)).session
    own = [each for each in own if each.session == session]
    read = get("k0", sorted(there), (at, at + 3), session=session)
    missed = [
        each
        for each in own
        if (each.op == "put") != (each.value in there)
        and not any(
            other.op != each.op and other.value == each.value and possible(other)
            and (other.outcome != "ok" or other.end >= each.start) and other.start <= read.end
            for other in writes
        )
    ]  # fmt: skip
    assert bool(judge("read_your_writes", LIST, *writes, read).violations) == bool(missed)


@THOUSAND
@given(sequential(keys=1, final=False, again=True), st.data())
def test_of_two_reads_the_second_is_older_exactly_when_all_that_it_may_be_was_over_before(history, data):
    writes = [each for each in history if each.op != "get"]
    values = [each.value for each in writes if each.op == "put" and possible(each) and each.start <= 31]
    assume(values)
    early = get("k0", data.draw(st.sampled_from(values)), (30, 31))
    late = get("k0", data.draw(st.sampled_from([None, 99, *values])), (35, 36))
    newer, older = sources(early, writes), sources(late, writes)
    assume(older is not None)
    found = judge("monotonic_reads", ASK, *writes, early, late)
    back = early.result != late.result and all(over(old) < new.start for old in older for new in newer)
    assert (found.result, found.examined) == ("violated" if back else "holds", 1)


@THOUSAND
@given(
    st.lists(st.tuples(st.sampled_from(["put", "put", "del"]), st.integers(0, 2), AT, SEEN), max_size=5),
    st.lists(st.tuples(st.sampled_from([None, 0, 1, 2, 99]), AT), min_size=2, max_size=4),
)
def test_reads_go_back_exactly_when_no_choice_of_their_writes_goes_forward(written, read):
    """A key begins with nothing, or with what nobody wrote; a value that is written only later binds nobody."""
    writes = [op(name, "k", value if name == "put" else None, at, **seen) for name, value, at, seen in written]
    reads = [get("k", result, at) for result, at in read]
    stores = [each for each in writes if possible(each)]
    choices = []
    for each in reads:
        of_it = [write for write in stores if stored(write) == each.result]
        spans = [(one.start, one.end if one.outcome == "ok" else NEVER) for one in of_it if one.start <= each.end]
        if each.result is None or not of_it:
            spans.append((-NEVER, -NEVER))
        if spans:
            choices.append([(each, *span) for span in spans])
    forward = any(
        all(b[2] >= a[1] for a, b in product(chosen, chosen) if a[0].end < b[0].start) for chosen in product(*choices)
    )
    assert bool(judge("monotonic_reads", ASK, *writes, *reads).violations) != forward


@THOUSAND
@given(
    st.lists(st.tuples(st.sampled_from(["put", "del"]), st.integers(0, 4), AT, SEEN), max_size=8),
    st.sets(st.integers(0, 4)),
    st.sets(st.integers(0, 4)),
)
def test_of_two_reads_of_a_list_the_second_has_all_that_nobody_can_have_removed(writes, first, second):
    operations = [op(name, "k", value, at, **seen) for name, value, at, seen in writes]
    reads = get("k", sorted(first), (10, 12)), get("k", sorted(second), (14, 16))
    removed = {each.value for each in operations if each.op == "del" and possible(each) and each.start <= 16}
    found = judge("monotonic_reads", LIST, *operations, *reads)
    assert found.result == ("holds" if first - second <= removed else "violated")


@THOUSAND
@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 3), ANSWERED), max_size=8))
def test_numbers_go_down_exactly_when_a_session_is_told_less_than_before(told):
    reads = [get("k", number, (n, n + 0.5), session=who, **seen) for n, (who, number, seen) in enumerate(told)]
    numbers = {who: [number for one, number, seen in told if one == who and not seen] for who in ("ann", "bob")}
    found = judge("monotonic_reads", {"reads": ["get"], "order": "number"}, *reads)
    down = any(own != sorted(own) for own in numbers.values())
    assert bool(found.violations) == down


@THOUSAND
@given(sequential(keys=1), st.booleans(), st.data())
def test_a_value_from_before_what_was_acknowledged_last_is_seen_as_stale_and_as_not_linearizable(
    history, removed, data
):
    # Of a key with more of them linearizable does not decide.
    assume(sum(each.op != "get" and each.outcome != "ok" and possible(each) for each in history) <= MOST_UNKNOWN)
    history = [
        *history,
        put("k0", 101, (60, 61)),
        op("del", "k0", None, (80, 81)) if removed else put("k0", 102, (80, 81)),
    ]
    *older, last = [each for each in history if each.op != "get" and each.outcome == "ok"]
    value = data.draw(st.sampled_from([each.value for each in older if each.op == "put"]))
    stale = get("k0", value, (700, 701), session=last.session)
    for check, parameters in {
        "linearizable": ASK,
        "bounded_staleness": ASK | {"bound": "1s"},
        "read_your_writes": ASK,
    }.items():
        assert judge(check, parameters, *history, stale).result == "violated", check
    if not removed:  # who saw nothing may have seen what an older removal left
        newer = get("k0", last.value, (698, 699), session=last.session)
        assert judge("monotonic_reads", ASK, *history, newer, stale).result == "violated"


# Messages.


@THOUSANDS
@given(
    st.lists(st.tuples(AT, SEEN), min_size=6, max_size=7),
    st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.booleans(), st.permutations(range(8))), max_size=3),
)
def test_an_order_is_right_exactly_when_nothing_comes_before_what_was_acknowledged_before_it(sent, received):
    """Message 7 nobody sent, and number 0 is sent twice where there are seven sends: neither has a place."""
    sends = [op("post", "room", f"m{n % 6}", at, **seen) for n, (at, seen) in enumerate(sent)]
    places = {f"m{n}": sends[n] for n in range(len(sent) - 6, 6)}
    polls, sequences = [], defaultdict(list)
    for n, (who, whole, order) in enumerate(received):
        # As one list, or one by one; the session's second one by one has nothing new.
        values = [f"m{each}" for each in order[:5]]
        at = 100 + 20 * n
        if whole:
            polls.append(op("poll", "room", None, (at, at + 1), session=who, result=values))
            sequences[who, n] = values
        else:
            polls += [
                op("poll", "room", None, (at + i, at + i + 1), session=who, result=each)
                for i, each in enumerate(values)
            ]
            sequences[who, None] += [each for each in values if each not in sequences[who, None]]
    wrong = sum(
        any(
            places[late].outcome == "ok" and places[late].end < places[soon].start
            for soon, late in combinations([each for each in values if each in places], 2)
        )
        for values in sequences.values()
    )
    found = judge("order_per_key", {"sends": ["post"], "receives": ["poll"]}, *sends, *polls)
    assert len(found.violations) == wrong


@THOUSANDS
@given(st.lists(st.tuples(st.sampled_from(ROOMS), st.integers(0, 5), ANSWERED), max_size=10))
def test_numbers_are_in_order_exactly_when_each_new_one_is_higher(received):
    polls = [
        op("poll", key, None, (n, n + 0.5), result=number, **seen) for n, (key, number, seen) in enumerate(received)
    ]
    wrong = 0
    for room in ROOMS:
        numbers = list(dict.fromkeys(number for key, number, seen in received if key == room and not seen))
        wrong += numbers != sorted(numbers)
    found = judge("order_per_key", {"receives": ["poll"]}, *polls)
    assert len(found.violations) == wrong


@st.composite
def delivered(draw):
    """Sends of messages, of which some are sent again, and receives in both rooms, of which some get no reply. A
    message is of one room: the even ones of the first.
    """
    operations = []
    for value, at, seen in draw(st.lists(st.tuples(st.integers(0, 5), AT, SEEN), min_size=1, max_size=9)):
        operations.append(op("post", ROOMS[value % 2], value, at, **seen))
    takes = st.tuples(
        st.sampled_from(["ann", "bob"]), st.sampled_from(ROOMS), st.integers(0, 40),
        st.one_of(st.none(), st.integers(0, 5), st.lists(st.integers(0, 5), max_size=4)), ANSWERED,
    )  # fmt: skip
    for session, room, at, result, seen in draw(st.lists(takes, max_size=8)):
        operations.append(op("take", room, None, (at, at + 0.5), result=result, session=session, **seen))
    return operations


def whose(receiver, each):
    """The receiver that an operation is of."""
    return {"all": "all", "key": each.key, "session": (each.session, each.key)}[receiver]


def listed(result):
    return [] if result is None else result if isinstance(result, list) else [result]


@THOUSANDS
@given(delivered(), st.sampled_from(["all", "key", "session"]))
def test_deliveries_are_counted(operations, receiver):
    ask = {"sends": ["post"], "receives": ["take"], "receiver": receiver}
    takes = sorted(
        (each for each in operations if each.op == "take" and each.outcome == "ok"), key=lambda one: one.start
    )
    times = Counter((whose(receiver, each), value) for each in takes for value in listed(each.result))
    found = judge("at_most_once", ask, *operations)
    assert (len(found.violations), found.examined) == (sum(n > 1 for n in times.values()), times.total())

    lost, waiting, accepted = 0, set(), {}
    for each in sorted((each for each in operations if each.op == "post"), key=lambda one: (one.start, one.end)):
        if each.outcome == "ok":
            accepted.setdefault(each.value, each)
    for value, sent in accepted.items():
        receivers = [whose(receiver, sent)]
        if receiver == "session":
            begun = [(each.session, each.key) for each in takes if each.key == sent.key and each.start <= sent.start]
            receivers = list(dict.fromkeys(begun))
        for one in receivers:
            own = [each.start for each in takes if whose(receiver, each) == one]
            if times[one, value]:
                continue
            if own and max(own) > sent.end:
                lost += 1
            else:
                waiting.add(value)
    found = judge("at_least_once", ask, *operations)
    assert (len(found.violations), found.examined) == (lost, len(accepted))
    assert any("after which nobody received" in each for each in found.undecided) == bool(waiting)


# Locks.

FENCED = {"acquires": ["lock"], "effects": ["work"]}


@THOUSANDS
@given(locked())
def test_a_lock_that_works_violates_nothing(history):
    for more in ({}, {"releases": ["free"]}):
        assert judge("mutual_exclusion", FENCED | more, *history).violations == []


@THOUSANDS
@given(st.lists(st.tuples(st.integers(1, 5), ANSWERED), min_size=1, max_size=12), st.booleans())
def test_fencing_accepts_rising_tokens_and_no_other(work, apart):
    """Effects one after the other, or all at once: then they have no order. One without a reply may have been none."""
    effects = [
        op("work", "l", None, (i, i + 0.5) if apart else (0, 50), token=token, session=f"s{token}", **seen)
        for i, (token, seen) in enumerate(work)
    ]
    locks = [op("lock", "l", None, (-9, -8), result=token, session=f"s{token}") for token, _ in work]
    accepted = [token for token, seen in work if not seen]
    found = judge("mutual_exclusion", FENCED, *locks, *effects)
    assert bool(found.violations) == (apart and accepted != sorted(accepted))


@THOUSANDS
@given(
    st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(1, 4), ANSWERED), max_size=6),
    st.lists(st.tuples(st.sampled_from("ab"), AT, ANSWERED, ANSWERED), max_size=6),
)
def test_two_have_a_lock_exactly_when_they_have_a_token_or_a_time_in_common(given_out, holds):
    locks = [op("lock", "c", None, (n, n + 1), result=token, session=who, **seen)
             for n, (who, token, seen) in enumerate(given_out)]  # fmt: skip
    held = []
    for n, (key, (start, end), taken, freed) in enumerate(holds):
        locks.append(op("lock", key, None, (start - 1, start), session=f"s{n}", **taken))
        locks.append(op("free", key, None, (end, end + 1), session=f"s{n}", **freed))
        if not taken and not freed:
            held.append((key, start, end))
    owners = {token: {who for who, other, seen in given_out if other == token and not seen} for token in range(1, 5)}
    common = any(
        one == other and max(start, begin) < min(end, over)
        for (one, start, end), (other, begin, over) in combinations(held, 2)
    )
    found = judge("mutual_exclusion", {"acquires": ["lock"], "releases": ["free"]}, *locks)
    assert bool(found.violations) == (common or any(len(each) > 1 for each in owners.values()))


# Amounts, ids, effects and counts.

AMOUNTS = st.lists(st.decimals(-1000, 1000, places=2), min_size=1, max_size=8)


@THOUSANDS
@given(AMOUNTS, st.decimals(0, 3, places=2), st.decimals(0, 2, places=2), ANSWERED)
def test_a_sum_holds_exactly_when_no_more_is_missing_than_allowed(parts, missing, tolerance, seen):
    total = sum(parts)
    reads = [get("all", [str(each) for each in parts], (0, 1)), get("all", {"a": str(total - missing)}, (2, 3), **seen)]
    ask = {"reads": ["get"], "total": float(total), "tolerance": float(tolerance)}
    found = judge("constant_sum", ask, *reads)
    assert (found.result == "holds") == (missing <= tolerance or bool(seen))


@THOUSANDS
@given(AMOUNTS, st.decimals(-1, 1, places=1), st.lists(st.booleans(), min_size=8, max_size=8))
def test_final_reads_add_up_exactly_when_the_last_of_each_key_do(parts, missing, answered):
    """What was read of a key before is of another time. A key whose final read got no reply leaves the sum open."""
    reads = [get(f"k{n}", str(each), (n, n + 1)) for n, each in enumerate([each + 1 for each in parts])]
    reads += [get(f"k{n}", "77", (90 + n, 91 + n), final=True) for n, well in enumerate(answered[: len(parts)]) if well]
    for n, (each, well) in enumerate(zip(parts, answered, strict=False)):
        more = {} if well else {"outcome": "unknown"}
        reads.append(get(f"k{n}", str(each), (190 + n, 191 + n), final=True, **more))
    total = sum(parts) + missing
    found = judge("constant_sum", {"reads": ["get"], "total": float(total), "over": "final_reads"}, *reads)
    whole = all(answered[: len(parts)])
    assert found.result == ("undecided" if not whole else "violated" if missing else "holds")


@THOUSANDS
@given(
    st.lists(st.tuples(*[st.sampled_from([None, 0, 1, 2, [3]])] * 2, *[st.sampled_from("abc")] * 2, SEEN), max_size=10),
    st.sampled_from(["result", "key", "value"]),
    st.sampled_from(["operation", "key", "value", "session"]),
)
def test_what_is_given_out_once_to_each_owner_is_unique(given_out, of, to):
    operations = [
        op("book", key, value, (n, n + 0.5), result=None if seen else result, session=session, **seen)
        for n, (result, value, key, session, seen) in enumerate(given_out)
    ]
    owners = defaultdict(set)
    for n, each in enumerate(operations):
        if each.outcome == "ok" and getattr(each, of) is not None:
            owners[str(getattr(each, of))].add(n if to == "operation" else str(getattr(each, to)))
    found = judge("unique", {"operations": ["book"], "of": of, "to": to}, *operations)
    assert len(found.violations) == sum(len(each) > 1 for each in owners.values())
    assert (found.result == "undecided") == (not owners)


EFFECTS = st.one_of(st.integers(0, 3), st.lists(st.sampled_from(["x", "y", 7]), max_size=4))


@THOUSANDS
@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(SEEN, min_size=1, max_size=3), min_size=1),
    st.dictionaries(st.sampled_from("abc"), st.tuples(EFFECTS, ANSWERED)),
    st.integers(1, 2),
)
def test_an_effect_is_a_duplicate_exactly_when_there_are_more_than_allowed(asked, counts, most):
    sent = [op("charge", key, 1, (n, n + 1), **seen) for key, tries in asked.items() for n, seen in enumerate(tries)]
    reads = [op("charges", key, None, (9, 10), result=None if seen else told, phase=FINAL_READS, **seen)
             for key, (told, seen) in counts.items()]  # fmt: skip
    known = {key: told for key, (told, seen) in counts.items() if not seen}
    found = judge("duplicate_effects", {"effects": ["charge"], "reads": ["charges"], "most": most}, *sent, *reads)
    effects = [max(Counter(told).values(), default=0) if isinstance(told, list) else told for told in known.values()]
    assert len(found.violations) == sum(each > most for each in effects)
    expected = {each.key for each in sent if possible(each)}
    assert bool(found.undecided) == (not known or bool(expected - known.keys()))


@THOUSANDS
@given(counted())
def test_a_counter_that_works_violates_nothing(history):
    found = judge("exact_count", {"events": ["click"], "reads": ["clicks"]}, *history)
    assert found.violations == []
    clicks = [each for each in history if each.op == "click"]
    read = {each.key for each in history if each.op == "clicks" and each.outcome == "ok"}
    certain = {each.key for each in clicks if each.key and each.outcome == "ok"}
    known = read and any(each.outcome == "ok" for each in clicks)
    assert bool(found.undecided) == (not known or bool(certain - read))


@THOUSANDS
@given(st.lists(st.tuples(AT, SEEN), max_size=7), AT, st.integers(0, 8), ANSWERED)
def test_a_count_is_wrong_exactly_when_no_choice_of_what_may_have_happened_gives_it(sent, at, count, seen):
    clicks = [op("click", "c", n, when, **how) for n, (when, how) in enumerate(sent)]
    # Another key, and a final read that a later one replaces where that got a reply, are there to be left out.
    others = [op("click", "d", 1, (0, 1)), op("clicks", "d", None, (50, 51), result=1, phase=FINAL_READS)]
    reads = [op("clicks", "c", None, when, result=result, phase=FINAL_READS, **more)
             for when, result, more in ((at, count, {}), ((at[0] + 9, at[1] + 9), count + 1, seen))]  # fmt: skip
    last = reads[0] if seen else reads[1]
    choices = []
    for each in clicks:
        if not possible(each) or each.start >= last.end:
            choices.append((0,))
        else:
            choices.append((1,) if each.outcome == "ok" and each.end <= last.start else (0, 1))
    found = judge("exact_count", {"events": ["click"], "reads": ["clicks"]}, *clicks, *others, *reads)
    right = last.result in {sum(choice) for choice in product(*choices)}
    told = any(map(possible, clicks))
    assert found.result == ("holds" if right or not told else "violated")
    assert found.examined == 1 + told


# Sites.


@THOUSANDS
@given(
    st.lists(
        st.tuples(st.sampled_from(["eu", "us"]), st.integers(0, 40), st.sampled_from([0, 1, [1, 2], [2, 1]]), ANSWERED),
        max_size=10,
    ),
    st.lists(st.tuples(AT, SEEN), max_size=3),
    st.booleans(),
)
def test_sites_converge_exactly_when_all_that_is_read_late_is_the_same(reads, writes, unordered):
    operations = [
        op("get", "k", None, (at, at + 0.5), result=value, site=site, **seen) for site, at, value, seen in reads
    ]
    changes = [put("k", n, at, **seen) for n, (at, seen) in enumerate(writes)]
    found = judge(
        "convergence",
        {"reads": ["get"], "writes": ["put"], "within": "10s", "unordered": unordered},
        put("k", 1, (0, 1)),
        *changes,
        *operations,
        healed=5,
    )
    quiet = 10 + max([5, *(each.end for each in changes if possible(each))])
    late = [(site, value) for site, at, value, seen in reads if at >= quiet and not seen]
    told = {str(sorted(value) if unordered and isinstance(value, list) else value) for _, value in late}
    if len(told) > 1:
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
