"""Generated histories: of a register that works, of anything at all, and a slow but plain judge of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import strategies as st
from tests.checks.made import get, op, put

from faultline.checks._history import Operation
from faultline.checks._register import Step

SESSIONS = ("ann", "bob", "eve")


@st.composite
def sequential(draw: st.DrawFn, most: int = 16, keys: int = 2, final: bool = True) -> list[Operation]:
    """What clients see of a store that does one thing at a time: each operation takes effect at a moment of its own,
    between its start and its end. Some replies are lost; of those writes some took effect, some late, some never.
    """
    names = [f"k{n}" for n in range(keys)]
    events: list[tuple[float, int, Operation]] = []
    for n in range(draw(st.integers(0, most))):
        moment = float(draw(st.integers(0, 40)))
        start, end = moment - draw(st.sampled_from([0.1, 1.1, 5.3])), moment + draw(st.sampled_from([0.1, 2.2, 4.7]))
        key, session = draw(st.sampled_from(names)), draw(st.sampled_from(SESSIONS))
        if draw(st.booleans()):
            events.append((moment, n, get(key, None, (start, end), session=session)))
            continue
        kind = draw(st.sampled_from(["ok", "ok", "ok", "unknown", "late", "never", "refused"]))
        more = {"outcome": "ok"} if kind == "ok" else {"outcome": "unknown"}
        if kind == "refused":
            more = {"outcome": "failed", "status": 409}
        event = put(key, n, (start, end), session=session, **more)
        if kind == "late":
            moment += draw(st.integers(5, 30))
        events.append((math.inf if kind in ("never", "refused") else moment, n, event))
    held: dict[str | None, object] = {}
    seen = []
    for moment, _, each in sorted(events, key=lambda event: event[:2]):
        if each.op == "get":
            seen.append(get(str(each.key), held.get(each.key), (each.start, each.end), session=each.session))
            continue
        if moment < math.inf:
            held[each.key] = each.value
        seen.append(each)
    if final:
        seen += [
            get(name, held.get(name), (900 + n, 900.5 + n), final=True, session="end") for n, name in enumerate(names)
        ]
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


def messages(sent: int) -> list[Operation]:
    """Messages m0, m1, … of one room, each acknowledged before the next is sent."""
    return [op("post", "room", f"m{n}", (n, n + 0.5)) for n in range(sent)]
