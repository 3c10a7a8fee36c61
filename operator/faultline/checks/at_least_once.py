"""No message that was accepted is lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from faultline.checks._delivery import Deliveries, arrivals, sends_by_value
from faultline.checks._history import History, Operation, shown
from faultline.checks.base import Judgement, absent


class AtLeastOnce(Deliveries):
    """Every acknowledged message arrives at each of its receivers before the end of the final reads.

    A receiver has to receive something, or find nothing more, after the message was acknowledged: only then is a
    message that did not come a lost one. One by `session` counts for the messages that were sent after it first
    received on their key.
    """

    unit = "messages"

    def judge(self, history: History) -> Judgement:
        """Each acknowledged message against what its receivers got."""
        found = Judgement(undecided=absent(history, ("sends", self.sends)))
        receives = history.answered(self.receives)
        got: dict[str, set[Hashable]] = defaultdict(set)
        for value, each in arrivals(receives):
            got[self.whose(each)].add(value)
        asked: dict[str, list[Operation]] = defaultdict(list)
        for each in receives:
            asked[self.whose(each)].append(each)
        waiting = set()
        for value, attempts in sends_by_value(history.named(self.sends)).items():
            sent = next((each for each in attempts if each.effect == "yes"), None)
            if sent is None:
                continue
            found.examined += 1
            for receiver in self._receivers(sent, asked):
                if value in got[receiver]:
                    continue
                last = asked[receiver][-1] if asked[receiver] else None
                if last is None or last.start <= sent.end:
                    waiting.add(shown(value))
                    continue
                who = "" if self.receiver == "all" else f" at {receiver}"
                found.violated(
                    f"{shown(value)} was acknowledged and never arrived{who}",
                    (sent, "acknowledged"),
                    (last, "the last to receive, without it"),
                )
        found.cannot_tell("messages after which nobody received anything", waiting)
        return found

    def _receivers(self, sent: Operation, asked: dict[str, list[Operation]]) -> list[str]:
        if self.receiver != "session":
            return [self.whose(sent)]
        return [name for name, own in asked.items() if own[0].key == sent.key and own[0].start <= sent.start]
