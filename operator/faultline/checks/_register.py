"""Is there an order in which a register could have done all this? The search of Wing and Gong, with Lowe's memory.

Source: J. M. Wing, C. Gong, "Testing and Verifying Concurrent Objects" (1993); G. Lowe, "Testing for Linearizability"
(2017). One key at a time: a history is linearizable exactly when that of each key is (Herlihy and Wing, 1990).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from faultline.checks._history import Operation, identity

MOST_STATES = 50_000
"""Configurations that a search may visit, a second or two; more means that nothing is known."""


class Step(NamedTuple):
    """An operation on a register: a write of `value`, or a read that gave it. `end` is infinite where it is unknown."""

    write: bool
    value: Hashable
    start: float
    end: float
    operation: Operation | None = None

    @property
    def required(self) -> bool:
        """Whether it certainly took effect."""
        return self.end != float("inf")


class TooMany(Exception):
    """The search was given up."""


def linearizable(steps: Sequence[Step], initial: Hashable = None) -> bool:
    """Whether some order, in which none comes before one that had ended before it began, explains every read.

    Writes without an end may take effect at any time after their start, or never. Raises TooMany after MOST_STATES.
    """
    read = {each.value for each in steps if not each.write}
    # A write that may not have happened, and that nobody saw, need not have happened.
    kept = sorted((each for each in steps if each.required or each.value in read), key=lambda each: each.start)
    return _Search(kept).possible(initial)


class _Unseen:
    """What the register holds after writes that nobody read: no read can give it."""


class _Search:
    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._required = sum(1 << place for place, each in enumerate(steps) if each.required)
        read = {each.value for each in steps if not each.write}
        self._unread = {place for place, each in enumerate(steps) if each.write and each.value not in read}

    def possible(self, initial: Hashable) -> bool:
        """Depth first over (what is done, what the register holds)."""
        seen: set[tuple[int, Hashable]] = set()
        stack = [(0, initial)]
        while stack:
            done, value = stack.pop()
            done = self._read_all(done, value)
            if done & self._required == self._required:
                return True
            if (done, value) in seen or self._missed(done, value):
                continue
            seen.add((done, value))
            if len(seen) > MOST_STATES:
                raise TooMany
            stack += self._after(done, value)
        return False

    def _after(self, done: int, value: Hashable) -> list[tuple[int, Hashable]]:
        """What one write more may lead to. Writes that nobody read are all taken together, as they leave no trace, and
        before any write that changes the value anyway.
        """
        writes = [place for place in self._next(done) if self._steps[place].write]
        unread = [place for place in writes if place in self._unread]
        found = [
            (done | 1 << place, self._steps[place].value)
            for place in writes
            if place not in self._unread and (not unread or self._steps[place].value == value)
        ]
        if unread:
            found.append((done | sum(1 << place for place in unread), _Unseen))
        return found

    def _missed(self, done: int, value: Hashable) -> bool:
        """Whether a read is still to come of a value that is gone for good."""
        left = [each for place, each in enumerate(self._steps) if not done >> place & 1]
        may_come = {each.value for each in left if each.write} | {value}
        return any(not each.write and each.value not in may_come for each in left)

    def _next(self, done: int) -> list[int]:
        """What may come next: all that began before the first end of what is not done."""
        open_ = [place for place in range(len(self._steps)) if not done >> place & 1]
        limit = min(self._steps[place].end for place in open_)
        return [place for place in open_ if self._steps[place].start <= limit]

    def _read_all(self, done: int, value: Hashable) -> int:
        """Reads that may come now and see what is there change nothing: to take them at once is always right."""
        while done & self._required != self._required:
            now = [
                place
                for place in self._next(done)
                if not self._steps[place].write and self._steps[place].value == value
            ]
            if not now:
                break
            for place in now:
                done |= 1 << place
        return done


def smallest(steps: Sequence[Step], initial: Hashable = None) -> list[Step]:
    """A part of `steps`, which is not linearizable, that is not linearizable either and from which nothing can go.

    A read may always go. A value's writes go together with all reads of it: without the write the reads would be a
    violation of their own, which the history does not have.
    """
    kept = list(steps)
    changed = True
    while changed:
        changed = False
        for group in _groups(kept):
            rest = [each for each in kept if not any(each is one for one in group)]
            if rest and len(rest) < len(kept) and not _maybe(rest, initial):
                kept, changed = rest, True
                break
    return kept


def _groups(steps: Sequence[Step]) -> list[list[Step]]:
    values = {each.value for each in steps if each.write}
    by_value = [[each for each in steps if each.value == value] for value in values]
    return sorted(by_value, key=len, reverse=True) + [[each] for each in steps if not each.write]


def _maybe(steps: Sequence[Step], initial: Hashable) -> bool:
    try:
        return linearizable(steps, initial)
    except TooMany:
        return True


def steps_of(operations: Sequence[Operation], writes: Sequence[str], deletes: Sequence[str]) -> list[Step]:
    """The steps of one key. A read that was not answered says nothing; a write that was refused did nothing."""
    steps = []
    for each in operations:
        if each.op in deletes or each.op in writes:
            if each.effect != "no":
                value = None if each.op in deletes else identity(each.value)
                steps.append(Step(True, value, each.start, each.done, each))
        elif each.outcome == "ok":
            steps.append(Step(False, identity(each.result), each.start, each.end, each))
    return steps
