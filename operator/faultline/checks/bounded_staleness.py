"""Nobody sees what has been out of date for longer than the bound."""

from __future__ import annotations

from pydantic import Field

from faultline.api.base import Duration, seconds
from faultline.checks._contents import Contents
from faultline.checks._history import History
from faultline.checks.base import Judgement, named


class BoundedStaleness(Contents):
    """A read reflects every write (and delete) that was acknowledged longer than `bound` before the read began.

    With deletes it is the bound of a revocation: how long something may be served after its removal was acknowledged.
    """

    bound: Duration = Field(description="how old an answer may be; 0s for not at all")

    def judge(self, history: History) -> Judgement:
        """Every answered read of a key that was written."""
        found = self.begin(history, ("reads", self.reads))
        keys = self.keys(history)
        bound = seconds(self.bound)
        for read in history.answered(self.reads):
            if read.key not in keys:
                continue
            found.examined += 1
            stale = keys[read.key].stale(read, read.start - bound)
            if stale:
                age = read.start - stale.newer.end
                seen = [(stale.newer, "acknowledged"), (read, f"{age:.3g} s later: {stale.text}")]
                if stale.older:
                    seen.append((stale.older, "older, and read in its place"))
                found.violated(
                    f"{read.op} on {named(read.key)} is {age:.3g} s behind {stale.newer.op}, {self.bound} are allowed",
                    *seen,
                )
        return found
