"""What was asked for once happened once, however often it was sent."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from pydantic import Field

from faultline.checks._history import History, Operation, by_key, identity, shown
from faultline.checks.base import Check, Judgement, Operations, absent, named


class DuplicateEffects(Check):
    """No key has more effects than one, whatever retries and lost replies there were.

    A read's `result` is the number of effects that its key had, or the list of them: then more than `most` entries with
    the same value are too many. Every key that was asked for has to be read back in the end.
    """

    unit: ClassVar[str] = "keys"

    effects: Operations = Field(description="operations that ask for the effect of their `key`; retries have its key")
    reads: Operations = Field(description="operations whose `result` is how many effects a key had, or their list")
    most: int = Field(1, ge=1, le=1000, description="effects that a key may have")

    def judge(self, history: History) -> Judgement:
        """Every answered read; a surplus that is seen once is proven."""
        found = Judgement(undecided=absent(history, ("reads", self.reads)))
        attempts = by_key(history.named(self.effects))
        reads = by_key(history.answered(self.reads))
        for key, own in reads.items():
            found.examined += key in attempts
            surplus = next((each for each in own if self._surplus(each)), None)
            if surplus:
                seen = [(each, _attempt(each)) for each in attempts.get(key, ()) if each.start < surplus.end]
                text = self._surplus(surplus)
                found.violated(f"{named(key)}: {text}", *seen, (surplus, text))
        finals = {each.key for each in history.final(self.reads)}
        expected = {key for key, sent in attempts.items() if any(each.effect != "no" for each in sent)}
        found.cannot_tell(f"keys that were asked for and not read back by {' or '.join(self.reads)}", expected - finals)
        return found

    def _surplus(self, read: Operation) -> str:
        if isinstance(read.result, list):
            value, count = max(Counter(map(identity, read.result)).items(), key=lambda each: each[1], default=("", 0))
            return f"{shown(value)} is there {count} times, {self.most} allowed" if count > self.most else ""
        if isinstance(read.result, int | float) and read.result > self.most:
            return f"{read.result:g} effects, {self.most} allowed"
        return ""


def _attempt(operation: Operation) -> str:
    return {"yes": "acknowledged", "no": "refused", "maybe": "no reply: it may have happened"}[operation.effect]
