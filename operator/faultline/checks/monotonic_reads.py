"""What a session has seen it does not unsee."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable
from heapq import heappop, heappush
from typing import Literal

from pydantic import Field

from faultline.api.base import Line
from faultline.checks._contents import Holds, Members, Register, members
from faultline.checks._history import History, Operation, by_key, by_session, identity, shown
from faultline.checks.base import Check, Judgement, Operations, absent, named


class MonotonicReads(Check):
    """Of two reads of a key in one session, one after the other, the second is never older than the first.

    Which value is older follows from the writes, where one ended before the other began; with `order: number` the
    results are numbers (versions, states) that must not go down. A key begins with whatever nobody wrote, or nothing.
    """

    reads: Operations = Field(description="operations whose `result` is what is stored under their `key`")
    writes: list[Line] = Field(
        default_factory=list,
        max_length=8,
        description="operations that store their `value` under their `key`; needed for `order: writes`",
    )
    deletes: list[Line] = Field(
        default_factory=list,
        max_length=8,
        description="operations that remove what is under their `key`, or their `value`, if they have one, from its "
        "list",
    )
    holds: Holds = Field(
        "value", description="`value`, the one written last, or `list`, all that were added (it must not lose any)"
    )
    order: Literal["writes", "number"] = Field("writes", description="what tells old from new")

    def judge(self, history: History) -> Judgement:
        """Each read against all reads that were over before it in its session."""
        found = Judgement(undecided=absent(history, ("reads", self.reads)))
        written = by_key(history.named([*self.writes, *self.deletes]))
        for key, reads in by_key(history.answered(self.reads)).items():
            register = Register(written.get(key, []), self.deletes)
            contents = Members(written.get(key, []), self.deletes)
            for session, own in by_session(reads).items():
                self._follow(found, f"{session} on {named(key)}", own, self._seen(register, contents))
        return found

    def _seen(self, register: Register, contents: Members) -> _Seen:
        if self.order == "number":
            return _Numbers()
        if self.holds == "list":
            return _Lists(contents)
        return _Values(register)

    def _follow(self, found: Judgement, who: str, reads: list[Operation], seen: _Seen) -> None:
        under_way: list[tuple[float, int, Operation]] = []
        over = False
        for place, read in enumerate(reads):
            while under_way and under_way[0][0] < read.start:
                seen.add(heappop(under_way)[2])
                over = True
            found.examined += over
            if older := seen.against(read):
                first, problem = older
                found.violated(
                    f"{who} went back: {problem}", (first, "seen first"), (read, "seen later, and it is older")
                )
            else:
                heappush(under_way, (read.end, place, read))


class _Seen(ABC):
    """What a session has seen of a key, by the reads that are over."""

    @abstractmethod
    def against(self, read: Operation) -> tuple[Operation, str] | None:
        """A read whose answer was newer than this one's, and what tells so."""

    @abstractmethod
    def add(self, read: Operation) -> None:
        """It is over; it went back behind none."""


class _Values(_Seen):
    """Each answer comes from a write, and none from one that was over before the write of an earlier answer began.

    Where an answer may come from several, the one that began first leaves most room to later ones.
    """

    def __init__(self, register: Register) -> None:
        self._register = register
        self._began: dict[Operation, float] = {}
        """When the write began that a read's answer is taken to come from."""
        self._newest: tuple[float, Operation | None] = (-math.inf, None)

    def against(self, read: Operation) -> tuple[Operation, str] | None:
        newest, first = self._newest
        sources = self._register.writers(read)
        if read.result is not None and not sources and self._register.written(read):
            return None  # An answer from the future is not an old one.
        begun = [each.start for each in sources if each.done >= newest]
        if first is None and (read.result is None or not sources):
            begun.append(-math.inf)  # What the key began with.
        if first is not None and not begun:
            return first, "the value read first was written after the one read later"
        self._began[read] = min(begun)
        return None

    def add(self, read: Operation) -> None:
        began = self._began.pop(read, -math.inf)
        if began > self._newest[0]:
            self._newest = began, read


class _Numbers(_Seen):
    def __init__(self) -> None:
        self._highest: Operation | None = None

    def against(self, read: Operation) -> tuple[Operation, str] | None:
        first = self._highest
        problem = _below(first.result, read.result) if first else ""
        return (first, problem) if first and problem else None

    def add(self, read: Operation) -> None:
        if self._highest is None or not _below(self._highest.result, read.result):
            self._highest = read


class _Lists(_Seen):
    def __init__(self, contents: Members) -> None:
        self._contents = contents
        self._there: dict[Hashable, Operation] = {}
        """The last read that had it, of each value that was ever seen."""

    def against(self, read: Operation) -> tuple[Operation, str] | None:
        lost = self._there.keys() - members(read.result) - self._removable(read)
        if not lost:
            return None
        value = min(lost, key=shown)
        return self._there[value], f"{shown(value)} is gone again"

    def add(self, read: Operation) -> None:
        self._there |= dict.fromkeys(members(read.result), read)

    def _removable(self, read: Operation) -> set[Hashable]:
        """What a delete may have taken away before the answer; one without a `value` takes all."""
        removals = [each for each in self._contents.possible if self._contents.removes(each) and each.start <= read.end]
        if any(each.value is None for each in removals):
            return set(self._there)
        return {identity(each.value) for each in removals}


def _below(first: object, second: object) -> str:
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return "" if first is None else f"after {shown(first)} came {shown(second)}, which is no number"
    return f"{second:g} after {first:g}" if second < first else ""
