"""What was sent in an order arrives in that order."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from pydantic import Field

from faultline.api.base import Line
from faultline.checks._history import History, Operation, by_key, by_session, identity, shown
from faultline.checks.base import Check, Judgement, Operations, absent, named


class Delivery(NamedTuple):
    """One value as it was received; `value` is its identity."""

    value: Hashable
    by: Operation


class OrderPerKey(Check):
    """Of two values of a key, sent one after the other was acknowledged, every receiver gets the first one first.

    A receiver is a session on a key; what it gets is the list that one answer has (in the order of the list), or one
    value for each operation (in the order of time). Sends that overlap have no order, and a value that comes again
    counts where it came first. Without `sends` the values are numbers that must not go down.
    """

    unit = "values"

    receives: Operations = Field(
        description="operations whose `result` is what arrived: a list in its order, or a value"
    )
    sends: list[Line] = Field(default_factory=list, max_length=8, description="operations that send their `value`")

    def judge(self, history: History) -> Judgement:
        """Each receiver's sequence, or each list, on its own."""
        groups = [("receives", self.receives)] + ([("sends", self.sends)] if self.sends else [])
        found = Judgement(undecided=absent(history, *groups))
        sends = by_key(history.named(self.sends))
        for key, received in by_key(history.answered(self.receives)).items():
            known = _by_value(sends.get(key, []))
            for sequence in _sequences(received):
                found.examined += len(sequence)
                if self.sends:
                    _compare(found, key, sequence, known)
                else:
                    _count_up(found, key, sequence)
        return found


def _by_value(sends: Sequence[Operation]) -> dict[Hashable, Operation]:
    """The one send of each value; a value that was sent several times has no place of its own."""
    seen: dict[Hashable, list[Operation]] = {}
    for each in sends:
        seen.setdefault(identity(each.value), []).append(each)
    return {value: own[0] for value, own in seen.items() if len(own) == 1}


def _sequences(received: Sequence[Operation]) -> Iterator[list[Delivery]]:
    for own in by_session(received).values():
        single: list[Delivery] = []
        for each in sorted(own, key=lambda one: one.end):
            if isinstance(each.result, list):
                yield _firsts([Delivery(identity(value), each) for value in each.result])
            elif each.result is not None:
                single.append(Delivery(identity(each.result), each))
        yield _firsts(single)


def _firsts(sequence: Sequence[Delivery]) -> list[Delivery]:
    kept = {each.value: each for each in reversed(sequence)}
    return [each for each in sequence if kept[each.value] is each]


def _compare(found: Judgement, key: str | None, sequence: Sequence[Delivery], known: dict[Hashable, Operation]) -> None:
    """From the end: the earliest acknowledgement among what came later must not lie before a send of what came first.

    One violation for a sequence: the closest pair.
    """
    earliest, after = math.inf, None
    for each in reversed(sequence):
        send = known.get(each.value)
        if send is None:
            continue
        if after is not None and earliest < send.start:
            first = known[after.value]
            text = f"{shown(after.value)} was sent before {shown(each.value)} and came after it"
            seen = [(first, f"{shown(after.value)} acknowledged"), (send, f"{shown(each.value)} sent after that")]
            arrivals = {each.by: f"{shown(each.value)} arrives", after.by: f"{shown(after.value)} arrives"}
            if each.by is after.by:
                arrivals = {each.by: f"has {shown(each.value)} before {shown(after.value)}"}
            found.violated(f"{named(key)}: {text}", *seen, *arrivals.items())
            return
        if send.done < earliest:
            earliest, after = send.done, each


def _count_up(found: Judgement, key: str | None, sequence: Sequence[Delivery]) -> None:
    before: Delivery | None = None
    for each in sequence:
        if not isinstance(each.value, int | float):
            found.undecided.append(f"{each.by.op} on {named(key)} gave {shown(each.value)}, which is no number")
            return
        if before is not None and isinstance(before.value, int | float) and each.value < before.value:
            arrivals = {before.by: f"{before.value:g} arrives", each.by: f"{each.value:g} arrives after it"}
            if each.by is before.by:
                arrivals = {each.by: f"has {before.value:g} before {each.value:g}"}
            found.violated(f"{named(key)}: {each.value:g} came after {before.value:g}", *arrivals.items())
            return
        before = each
