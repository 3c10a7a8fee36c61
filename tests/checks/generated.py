"""Generated histories: of stores that work, of anything at all, and slow but plain judges of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import strategies as st
from tests.checks.made import op

from faultline.checks._history import FINAL_READS, Operation
from faultline.checks._register import Step

SESSIONS = ("ann", "bob", "eve")
NEVER = math.inf
FATES: dict[str, tuple[float, dict[str, Any]]] = {
    "answered": (0, {}),
    "no reply": (0, {"outcome": "unknown"}),
    "no reply, late": (15, {"outcome": "unknown"}),
    "no reply, never": (NEVER, {"outcome": "unknown"}),
    "error after the effect": (0, {"outcome": "failed", "status": 503}),
    "refused": (NEVER, {"outcome": "failed", "status": 409}),
    "not sent": (NEVER, {"outcome": "failed", "sent": False}),
}
"""How a request may go: how long after its moment it takes effect, and what the client sees of it."""
OFTEN = st.sampled_from(["answered"] * 6 + list(FATES))
SPANS = st.sampled_from(list(product([0.1, 1.1, 5.3], [0.1, 2.2, 4.7])))
"""How long before its moment a request begins, and how long after it ends."""


@st.composite
def requests(
    draw: st.DrawFn, names: Sequence[str], keys: Sequence[str | None], most: int = 16
) -> list[tuple[float, Operation]]:
    """What clients ask of a store that does one thing at a time, by the moment of its effect: one of its own, between
    its start and its end. Some get no reply: of those some take effect, some late, some never. `value` is its number.
    """
    found, clients = [], list(product(keys, SESSIONS))
    for n in range(draw(st.integers(0, most))):
        moment = float(draw(st.integers(0, 40)))
        before, after = draw(SPANS)
        key, session = draw(st.sampled_from(clients))
        later, seen = FATES[draw(OFTEN)]
        each = op(draw(st.sampled_from(names)), key, n, (moment - before, moment + after), session=session, **seen)
        found.append((moment + later, each))
    return sorted(found, key=lambda one: one[0])


def answer(read: Operation, result: Any) -> Operation:
    """The read with its answer, if it got one."""
    return replace(read, value=None, result=result if read.outcome == "ok" else None)


def possible(each: Operation) -> bool:
    """Whether it may have taken effect."""
    return each.outcome != "failed" or each.status == 503


def stored(write: Operation) -> Any:
    """What is under a key after it."""
    return None if write.op == "del" else write.value


def register(operations: Sequence[Operation]) -> list[Step]:
    """What those of one key are to a register."""
    steps = []
    for each in operations:
        if each.op == "get" and each.outcome == "ok":
            steps.append(Step(False, each.result, each.start, each.end))
        elif each.op != "get" and possible(each):
            steps.append(Step(True, stored(each), each.start, each.end if each.outcome == "ok" else NEVER))
    return steps


@st.composite
def read_back(draw: st.DrawFn, name: str, held: dict[str, Any]) -> list[Operation]:
    """Final reads of what each key holds; some get no reply at first."""
    found = []
    for n, (key, value) in enumerate(held.items()):
        if draw(st.integers(0, 5)) == 0:
            found.append(op(name, key, None, (890 + n, 890.5 + n), outcome="unknown", session="end", final=True))
        found.append(op(name, key, None, (900 + n, 900.5 + n), result=value, session="end", final=True))
    return found


@st.composite
def sequential(
    draw: st.DrawFn,
    most: int = 16,
    keys: int = 2,
    final: bool = True,
    removes: bool = True,
    first: Any = None,
    again: bool = False,
) -> list[Operation]:
    """What clients see of a store of values: `put`, `get`, `del`. Keys hold `first` before anybody writes to them.

    Each write has a value of its own, or, with `again`, some of them have the same.
    """
    held = {f"k{n}": first for n in range(keys)}
    few = draw(st.booleans()) if again else False
    seen = []
    names = ("get", "put", "get", "put", "del")[: 5 if removes else 2]
    for moment, each in draw(requests(names, list(held), most)):
        key = str(each.key)
        if each.op == "get":
            seen.append(answer(each, held[key]))
            continue
        write = replace(each, value=each.value % 3) if few else each
        if moment < NEVER:
            held[key] = stored(write)
        seen.append(write)
    return seen + (draw(read_back("get", held)) if final else [])


@st.composite
def collected(draw: st.DrawFn, most: int = 16, keys: int = 2, final: bool = True, values: int = 4) -> list[Operation]:
    """What clients see of a store of lists: `put` adds a value, `del` removes it. Values come and go and come again,
    and a list may have some at first.
    """
    held: dict[str, set[int]] = {f"k{n}": set(draw(st.sampled_from([(), (0,), (0, 1)]))) for n in range(keys)}
    seen = []
    for moment, each in draw(requests(("get", "put", "get", "put", "del"), list(held), most)):
        there = held[str(each.key)]
        if each.op == "get":
            seen.append(answer(each, sorted(there) or None))
            continue
        value = each.value % values
        if moment < NEVER:
            (there.add if each.op == "put" else there.discard)(value)
        seen.append(replace(each, value=value))
    return seen + (draw(read_back("get", {key: sorted(there) for key, there in held.items()})) if final else [])


@st.composite
def counted(draw: st.DrawFn, most: int = 16) -> list[Operation]:
    """What clients see of a store that counts each `click`; some are of no key. Final reads are among
    the clicks; there may be more of them when all is done.
    """
    held = {"c0": 0, "c1": 0}
    seen = []
    for moment, each in draw(requests(("click", "click", "clicks"), [*held, *held, None], most)):
        if each.op == "clicks":
            seen.append(replace(answer(each, held.get(str(each.key))), phase=FINAL_READS))
            continue
        if moment < NEVER and each.key:
            held[each.key] += 1
        seen.append(each)
    return seen + (draw(read_back("clicks", held)) if draw(st.booleans()) else [])


@st.composite
def locked(draw: st.DrawFn, most: int = 6) -> list[Operation]:
    """What clients see of a lock that works: tokens rise, a lease may run out before its holder knows, and work is
    accepted only with the highest token that was ever used. A client whose `lock` got no reply has the lock, but no
    token.
    """
    tenures, before = [], None
    for n in range(draw(st.integers(0, most))):
        session = draw(st.sampled_from(SESSIONS))
        wait = draw(st.sampled_from([0.1, 7.0])) if session != before else 0.1
        tenures.append((n, session, wait, draw(st.integers(0, 3))))
        before = session
    used, seen = 0, []
    work: list[tuple[float, int, str]] = []
    for n, session, wait, fate in tenures:
        begin = 10.0 * n
        more = {"outcome": "unknown"} if fate == 0 else {"result": n + 1}
        seen.append(op("lock", "l", None, (begin + 1 - wait, begin + 1.5), session=session, **more))
        if fate == 0:
            if draw(st.booleans()):  # Whether it has the lock or not, it gives it back.
                seen.append(op("free", "l", None, (begin + 8, begin + 9), session=session))
            continue
        work += [(begin + draw(st.integers(2, 40)), n + 1, session) for _ in range(draw(st.integers(0, 2)))]
        late = fate == 1
        done = {"outcome": "failed", "status": 409} if late else draw(st.sampled_from([{}, {"outcome": "unknown"}]))
        end = begin + (11 if late else 8)
        seen.append(op("free", "l", None, (end, end + 1), session=session, **done))
    for moment, token, session in sorted(work):
        fits = token >= used
        used = max(used, token)
        seen_as = draw(st.sampled_from([{}, {"outcome": "unknown"}])) if fits else {"outcome": "failed", "status": 409}
        at = (moment - draw(st.sampled_from([0.1, 1.3])), moment + draw(st.sampled_from([0.1, 5.2])))
        seen.append(op("work", "l", None, at, token=token, session=session, **seen_as))
    return seen


@st.composite
def anything(draw: st.DrawFn, most: int = 6) -> list[Step]:
    """A tiny history of one register that may or may not make sense. Times are whole numbers: many are equal."""
    steps = []
    for _ in range(draw(st.integers(1, most))):
        start = draw(st.integers(0, 8))
        write = draw(st.booleans())
        end = math.inf if write and draw(st.integers(0, 3)) == 0 else start + draw(st.integers(0, 4))
        steps.append(
            Step(write, draw(st.sampled_from([None, 1, 2] if not write else [1, 2])), float(start), float(end))
        )
    return steps


def explained(steps: Sequence[Step], held: object = None) -> bool:
    """Try every order: nothing is clever here."""
    if not any(each.required for each in steps):
        return True
    for place, each in enumerate(steps):
        rest = [*steps[:place], *steps[place + 1 :]]
        if any(other.end < each.start for other in rest):
            continue
        if each.write and explained(rest, each.value):
            return True
        if not each.write and each.value == held and explained(rest, held):
            return True
    # Those that are unknown may also never happen.
    return any(explained([*steps[:n], *steps[n + 1 :]], held) for n, each in enumerate(steps) if not each.required)
