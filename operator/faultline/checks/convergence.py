"""After the faults all sites come to agree."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field

from faultline.api.base import Duration, Line, seconds
from faultline.checks._history import History, Operation, by_key, identity
from faultline.checks.base import Check, Judgement, Operations, absent, named


class Convergence(Check):
    """From `within` after the end of the last fault on, all sites give the same answer for the same key.

    A read's `site` says who answered (without one, all answers are of one site and must agree as well). A key that is
    still written to gets the same time after its last write.
    """

    reads: Operations = Field(description="operations whose `result` is what a `site` has under their `key`")
    writes: list[Line] = Field(default_factory=list, max_length=8, description="operations that change a `key`")
    within: Duration = Field(description="time that the sites have to agree")
    unordered: bool = Field(False, description="a list is the same list in another order")
    sites: int = Field(2, ge=1, le=20, description="sites that have to answer for each key that was written")

    def judge(self, history: History) -> Judgement:
        """Reads of a key that came late enough, each against the one before."""
        found = Judgement(undecided=absent(history, ("reads", self.reads)))
        writes = by_key(each for each in history.named(self.writes) if each.effect != "no")
        reads = by_key(history.answered(self.reads))
        single = set()
        for key in reads.keys() | writes.keys():
            changed = [each.end for each in writes.get(key, ())]
            quiet = max([*changed, history.healed or 0.0]) + seconds(self.within)
            late = [each for each in reads.get(key, ()) if each.start >= quiet]
            if len({each.site for each in late}) < self.sites:
                single.add(key)
            if len(late) > 1:
                found.examined += len(late)
                self._compare(found, key, late)
        found.cannot_tell(
            f"keys for which fewer than {self.sites} sites answered later than {self.within} after faults and writes",
            single,
        )
        return found

    def _compare(self, found: Judgement, key: str | None, reads: list[Operation]) -> None:
        for first, second in pairwise(reads):
            if self._content(first) != self._content(second):
                found.violated(
                    f"{named(key)}: {_who(first)} and {_who(second)} still differ {self.within} after the last fault",
                    (first, f"{_who(first)} has this"),
                    (second, f"{_who(second)} has another"),
                )
                return

    def _content(self, read: Operation) -> object:
        if self.unordered and isinstance(read.result, list):
            return sorted(map(repr, map(identity, read.result)))
        return identity(read.result)


def _who(read: Operation) -> str:
    return read.site or "one answer"
