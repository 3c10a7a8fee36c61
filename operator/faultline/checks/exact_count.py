"""What was counted is what happened."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from faultline.checks._history import History, Operation, by_key
from faultline.checks.base import Check, Judgement, Operations, absent, named


class ExactCount(Check):
    """The final count of a key is the number of its events: none that was acknowledged is missing, none is there twice.

    An event whose reply was lost may be counted or not, so that the count has a lower and an upper bound; where every
    reply came they are the same. Events without a key are left out. Every key that has an acknowledged event has to be
    read back in the end.
    """

    unit: ClassVar[str] = "keys"

    events: Operations = Field(description="operations each of which is to be counted once for its `key`")
    reads: Operations = Field(description="operations whose `result` is the count of their `key`, 0 at first")

    def judge(self, history: History) -> Judgement:
        """The last final read of each key against the events that were sent before it."""
        found = Judgement(undecided=absent(history, ("events", self.events), ("reads", self.reads)))
        finals = by_key(history.final(self.reads))
        events = by_key(each for each in history.named(self.events) if each.key is not None and each.effect != "no")
        unread = set()
        for key, sent in events.items():
            if key in finals:
                found.examined += 1
                self._compare(found, key, sent, finals[key][-1])
            elif any(each.effect == "yes" for each in sent):
                unread.add(key)
        found.cannot_tell(f"keys that were counted and not read back by {' or '.join(self.reads)}", unread)
        return found

    def _compare(self, found: Judgement, key: str | None, sent: list[Operation], read: Operation) -> None:
        least = sum(each.effect == "yes" for each in sent if each.end <= read.start)
        most = sum(each.start < read.end for each in sent)
        if _number(read.result) and least <= read.result <= most:
            return
        expected = str(least) if least == most else f"from {least} to {most}"
        text = f"{read.result} counted, {expected} happened" if _number(read.result) else "the count is no number"
        between = [(each, "the last one") for each in sent[1:][-1:]]
        found.violated(f"{named(key)}: {text}", (sent[0], "the first event"), *between, (read, text))


def _number(result: object) -> bool:
    return isinstance(result, int | float) and not isinstance(result, bool)
