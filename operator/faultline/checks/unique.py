"""Nothing is given out twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Literal

from pydantic import Field

from faultline.checks._history import History, Operation, identity, shown
from faultline.checks.base import Check, Judgement, Operations, absent


class Unique(Check):
    """No two answered operations have the same `of`: an id, a code, a seat that may be sold only once.

    `to` names who may get the same one again: the same `key` (a retry with its idempotency key), the same `session`.
    """

    operations: Operations = Field(description="operations to look at; those without `of` are left out")
    of: Literal["result", "key", "value"] = Field("result", description="what has to be unique")
    to: Literal["operation", "key", "value", "session"] = Field(
        "operation", description="who may get the same one again; by default not even a retry"
    )

    def judge(self, history: History) -> Judgement:
        """One look at each operation."""
        found = Judgement(undecided=absent(history, ("operations", self.operations)))
        holders: dict[Hashable, Operation] = {}
        twice: dict[Hashable, int] = defaultdict(int)
        for each in history.answered(self.operations):
            given = getattr(each, self.of)
            if given is None:
                continue
            found.examined += 1
            first = holders.setdefault(identity(given), each)
            if first is not each and not self._same(first, each):
                twice[identity(given)] += 1
                if twice[identity(given)] == 1:
                    found.violated(
                        f"{self.of} {shown(given)} was given out twice", (first, "the first"), (each, "the same again")
                    )
        if not found.examined and not found.undecided:
            found.undecided.append(f"no data: no answered operation of {', '.join(self.operations)} has a {self.of}")
        return found

    def _same(self, first: Operation, second: Operation) -> bool:
        if self.to == "operation":
            return False
        return identity(getattr(first, self.to)) == identity(getattr(second, self.to))
