"""Each key behaves as one copy that does one thing at a time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from pydantic import Field

from faultline.api.base import Line
from faultline.checks._history import History, by_key, shown
from faultline.checks._register import Step, TooMany, linearizable, smallest, steps_of
from faultline.checks.base import Check, Judgement, Operations, absent, named

MOST_OPERATIONS = 100
MOST_UNKNOWN = 8


class Linearizable(Check):
    """For each key there is an order of its operations, true to real time, in which every read gives the last write.

    Wing and Gong's search, one key at a time. A write whose reply was lost may take effect at any time after it began,
    or never. A key with more than 100 operations, or 8 whose effect is unknown, is undecided: let keys rotate
    (`self.rotating_key` in load.py). A value that nobody wrote is what the key held at first; there can be one such
    value, and a key of which none is read held nothing.
    """

    reads: Operations = Field(description="operations whose `result` is what is stored under their `key`")
    writes: Operations = Field(description="operations that store their `value` under their `key`")
    deletes: list[Line] = Field(
        default_factory=list, max_length=8, description="operations that remove what is under their `key`"
    )

    def judge(self, history: History) -> Judgement:
        """A search for each key."""
        found = Judgement(undecided=absent(history, ("reads", self.reads), ("writes", self.writes)))
        large, hard = set(), set()
        names = [*self.reads, *self.writes, *self.deletes]
        for key, operations in by_key(history.named(names)).items():
            steps = steps_of(operations, self.writes, self.deletes)
            if len(steps) > MOST_OPERATIONS or sum(not each.required for each in steps) > MOST_UNKNOWN:
                large.add(key)
                continue
            try:
                _judge(found, key, steps)
            except TooMany:
                hard.add(key)
        found.cannot_tell(
            f"keys with over {MOST_OPERATIONS} operations or {MOST_UNKNOWN} unknown ones, let keys rotate", large
        )
        found.cannot_tell("keys with too many operations at the same time to decide", hard)
        return found


def _judge(found: Judgement, key: str | None, steps: Sequence[Step]) -> None:
    found.examined += len(steps)
    written = {each.value for each in steps if each.write}
    strange = list({each.value: each for each in steps if not each.write and each.value not in written}.values())
    strange = [each for each in strange if each.value is not None]
    initial: Hashable = strange[0].value if strange else None
    if len(strange) > 1:
        _report(found, key, strange[:2], initial, "two values were read that nobody wrote")
    elif not linearizable(steps, initial):
        _report(found, key, smallest(steps, initial), initial, "no order of these explains what was read")


def _report(found: Judgement, key: str | None, steps: Sequence[Step], initial: Hashable, text: str) -> None:
    at_first = "" if initial is None else f", with {shown(initial)} there at first"
    seen = [(each.operation, _note(each)) for each in steps if each.operation]
    found.violated(f"{named(key)}: {text}{at_first}", *seen)


def _note(step: Step) -> str:
    if step.write:
        return f"writes {shown(step.value)}" if step.required else f"writes {shown(step.value)}, now, later or never"
    return f"reads {shown(step.value)}"
