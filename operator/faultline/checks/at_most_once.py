"""No message arrives twice."""

from __future__ import annotations

from collections.abc import Hashable

from faultline.checks._delivery import Deliveries, arrivals, sends_by_value, values
from faultline.checks._history import History, Operation, shown
from faultline.checks.base import Judgement, absent


class AtMostOnce(Deliveries):
    """Each receiver gets a message once at most, however often it was sent.

    A receive is what is taken away by it: an answer that shows the same messages again, such as a page of a log, is
    none; read those once.
    """

    unit = "deliveries"

    def judge(self, history: History) -> Judgement:
        """One violation for each message and receiver, with the first two deliveries."""
        found = Judgement(undecided=absent(history, ("receives", self.receives)))
        sends = sends_by_value(history.named(self.sends))
        first: dict[tuple[str, Hashable], Operation] = {}
        twice: set[tuple[str, Hashable]] = set()
        for value, each in arrivals(history.answered(self.receives)):
            found.examined += 1
            place = (self.whose(each), value)
            earlier = first.setdefault(place, each)
            if place in twice or (earlier is each and values(each).count(value) == 1):
                continue
            twice.add(place)
            again = {each: "has it twice"} if earlier is each else {earlier: "arrives", each: "arrives again"}
            seen = dict.fromkeys(sends.get(value, ()), "sent") | again
            found.violated(f"{shown(value)} arrived twice", *seen.items())
        return found
