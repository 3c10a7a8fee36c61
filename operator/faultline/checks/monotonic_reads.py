"""What a session has seen it does not unsee."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

from pydantic import Field

from faultline.api.base import Line
from faultline.checks._contents import Holds, Members, Register, members
from faultline.checks._history import History, Operation, by_key, by_session, identity, shown
from faultline.checks.base import Check, Judgement, Operations, absent, named


class MonotonicReads(Check):
    """Of two reads of a key in one session, one after the other, the second is never older than the first.

    Which value is older follows from the writes, where one ended before the other began; with `order: number` the
    results are numbers (versions, states) that must not go down.
    """

    reads: Operations = Field(description="operations whose `result` is what is stored under their `key`")
    writes: list[Line] = Field(
        default_factory=list,
        max_length=8,
        description="operations that store their `value` under their `key`; needed for `order: writes`",
    )
    deletes: list[Line] = Field(
        default_factory=list, max_length=8, description="operations that remove what is under their `key`"
    )
    holds: Holds = Field(
        "value", description="`value`, the one written last, or `list`, all that were added (it must not lose any)"
    )
    order: Literal["writes", "number"] = Field("writes", description="what tells old from new")

    def judge(self, history: History) -> Judgement:
        """Each read against the read before it in its session."""
        found = Judgement(undecided=absent(history, ("reads", self.reads)))
        written = by_key(history.named([*self.writes, *self.deletes]))
        for key, reads in by_key(history.answered(self.reads)).items():
            register = Register(written.get(key, []), self.deletes)
            contents = Members(written.get(key, []), self.deletes)
            for session, own in by_session(reads).items():
                self._follow(found, f"{session} on {named(key)}", own, register, contents)
        return found

    def _follow(
        self, found: Judgement, who: str, reads: list[Operation], register: Register, contents: Members
    ) -> None:
        newest: Operation | None = None
        for read in reads:
            if newest is None or newest.end >= read.start:
                newest = newest or read
                continue
            found.examined += 1
            problem = self._older(newest, read, register, contents)
            if problem:
                found.violated(
                    f"{who} went back: {problem}", (newest, "seen first"), (read, "seen later, and it is older")
                )
            else:
                newest = read

    def _older(self, first: Operation, second: Operation, register: Register, contents: Members) -> str:
        if self.order == "number":
            return _below(first.result, second.result)
        if self.holds == "list":
            lost = members(first.result) - members(second.result) - _removable(contents, second)
            return f"{min(map(shown, lost))} is gone again" if lost else ""
        if first.result == second.result:
            return ""
        newer, older = register.writers(first), register.writers(second)
        if not newer or (not older and register.written(second)):
            return ""
        if all(old.done < new.start for old in older for new in newer):
            return "the value read first was written after the one read later"
        return ""


def _below(first: object, second: object) -> str:
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return "" if first is None else f"after {shown(first)} came {shown(second)}, which is no number"
    return f"{second:g} after {first:g}" if second < first else ""


def _removable(contents: Members, read: Operation) -> set[Hashable]:
    """What a delete may have taken away before the answer."""
    return {identity(each.value) for each in contents.possible if contents.removes(each) and each.start <= read.end}
