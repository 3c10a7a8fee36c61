"""Whether an answer reflects the writes that it has to: one register, or a collection, for each key.

Nothing is assumed about the order of operations that overlap, and nothing about one whose reply was lost, except that
it took effect at some time after it began, or never.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from faultline.api.base import Line
from faultline.checks._history import History, Operation, by_key, identity
from faultline.checks.base import Check, Judgement, Operations, absent

Holds = Literal["value", "list"]


class Contents(Check):
    """A check over keys that are written and read."""

    writes: Operations = Field(description="operations that store their `value`, which is not null, under their `key`")
    reads: Operations = Field(description="operations whose `result` is what is stored under their `key`")
    deletes: list[Line] = Field(
        default_factory=list,
        max_length=8,
        description="operations that remove what is under their `key`, or their `value` from its list",
    )
    holds: Holds = Field(
        "value",
        description="what a key holds: `value`, the one written last, or `list`, all that were added; a `result` of "
        "null is nothing",
    )

    def keys(self, history: History) -> dict[str | None, Key]:
        """Each key that something was written to, with its contents."""
        groups = by_key(history.named([*self.writes, *self.deletes]))
        kind: type[Key] = Register if self.holds == "value" else Members
        return {key: kind(operations, self.deletes) for key, operations in groups.items()}

    def begin(self, history: History, *groups: tuple[str, Sequence[str]]) -> Judgement:
        """A judgement with what is undecided from the start: groups that are absent, writes of nothing."""
        found = Judgement(undecided=absent(history, *groups))
        blank = {each.key for each in history.named(self.writes) if each.value is None and each.op not in self.deletes}
        found.cannot_tell(f"keys that {' or '.join(self.writes)} wrote no `value` to", blank)
        return found


class Stale(NamedTuple):
    """`newer` was acknowledged and is not in the answer; `older` is where the answer came from, if from anywhere."""

    newer: Operation
    older: Operation | None
    text: str


class Key:
    """The writes of one key; `deletes` are the names of operations that remove."""

    def __init__(self, operations: Sequence[Operation], deletes: Sequence[str]) -> None:
        self.possible = [each for each in operations if each.effect != "no"]
        self.acknowledged = [each for each in operations if each.effect == "yes"]
        self.deletes = deletes

    def stale(self, read: Operation, by: float, session: str | None = None) -> Stale | None:
        """Why the answer of `read` does not reflect all that was acknowledged before `by` (by `session`, if given)."""
        raise NotImplementedError

    def removes(self, operation: Operation) -> bool:
        """Whether it is a delete."""
        return operation.op in self.deletes


class Register(Key):
    """It holds the value written last."""

    def __init__(self, operations: Sequence[Operation], deletes: Sequence[str]) -> None:
        super().__init__(operations, deletes)
        self._writers: dict[Hashable, list[Operation]] = defaultdict(list)
        for each in self.possible:
            self._writers[self.stored(each)].append(each)
        self._latest: dict[str | None, tuple[list[float], list[Operation]]] = {}

    def stored(self, write: Operation) -> Hashable:
        """What is there after it."""
        return identity(None if self.removes(write) else write.value)

    def writers(self, read: Operation) -> list[Operation]:
        """The writes that the answer may come from: those of its value that had begun before it was given."""
        return [each for each in self._writers.get(identity(read.result), []) if each.start <= read.end]

    def written(self, read: Operation) -> bool:
        """Whether anybody wrote the answer's value, at any time."""
        return identity(read.result) in self._writers

    def stale(self, read: Operation, by: float, session: str | None = None) -> Stale | None:
        """The last of the acknowledged writes supersedes the answer when each possible source of it ended before."""
        sources = self.writers(read)
        if not sources and self.written(read):
            return None  # An answer from the future is not a stale one.
        newer = self._last_before(by, session)
        if newer is None or any(each.done >= newer.start for each in sources):
            return None
        older = max(sources, key=lambda each: each.end, default=None)
        was = "is there again" if self.removes(newer) else "is not what is read"
        return Stale(newer, older, f"{'its removal' if self.removes(newer) else 'the value'} {was}")

    def _last_before(self, by: float, session: str | None) -> Operation | None:
        """Of the writes acknowledged before `by` the one that began last."""
        if session not in self._latest:
            own = [each for each in self.acknowledged if session in (None, each.session)]
            own.sort(key=lambda each: each.end)
            best: list[Operation] = []
            for each in own:
                best.append(each if not best or each.start > best[-1].start else best[-1])
            self._latest[session] = ([each.end for each in own], best)
        ends, best = self._latest[session]
        place = bisect_left(ends, by)
        return best[place - 1] if place else None


class Members(Key):
    """It holds all values that were added and not removed."""

    def __init__(self, operations: Sequence[Operation], deletes: Sequence[str]) -> None:
        super().__init__(operations, deletes)
        self._added: dict[Hashable, list[Operation]] = defaultdict(list)
        self._removed: dict[Hashable, list[Operation]] = defaultdict(list)
        for each in self.possible:
            (self._removed if self.removes(each) else self._added)[identity(each.value)].append(each)

    def stale(self, read: Operation, by: float, session: str | None = None) -> Stale | None:
        """An acknowledged addition that is missing, or an acknowledged removal that is not seen."""
        there = members(read.result)
        for each in self.acknowledged:
            if each.end >= by or session not in (None, each.session):
                continue
            value = identity(each.value)
            if self.removes(each):
                again = [one for one in self._added[value] if one.done >= each.start and one.start <= read.end]
                if value in there and not again:
                    older = max(self._added[value], key=lambda one: one.end, default=None)
                    return Stale(each, older, "the removed value is there again")
            elif value not in there:
                gone = [one for one in self._removed[value] if one.done >= each.start and one.start <= read.end]
                if not gone:
                    return Stale(each, None, "the value is missing")
        return None


def members(result: object) -> set[Hashable]:
    """The values of an answer, one or many; null is none."""
    if result is None:
        return set()
    return {identity(each) for each in result} if isinstance(result, list) else {identity(result)}
