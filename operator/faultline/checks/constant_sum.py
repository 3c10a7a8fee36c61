"""Money and stock add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import Field

from faultline.checks._history import History, Operation, by_key
from faultline.checks.base import Check, Judgement, Operations, absent, named


class ConstantSum(Check):
    """The amounts always add up to `total`: transfers move them, and none is made or lost.

    Amounts are the numbers in a `result` (a number, a list, or an object's values; decimal numbers may be texts), added
    up exactly. `over: answer` wants it of each answer, which has to be one consistent view; `over: final_reads` wants
    it of all final reads together, one for each key.
    """

    unit = "answers"

    reads: Operations = Field(description="operations whose `result` has the amounts")
    total: float = Field(description="what they add up to")
    over: Literal["answer", "final_reads"] = Field("answer", description="what is added up")
    tolerance: float = Field(0.0, ge=0, description="how far off the sum may be")

    def judge(self, history: History) -> Judgement:
        """Answers without amounts are undecided: nothing can be said of them."""
        found = Judgement(undecided=absent(history, ("reads", self.reads)))
        if self.over == "answer":
            groups = [[each] for each in history.answered(self.reads)]
        else:
            last = {key: reads[-1] for key, reads in by_key(history.final(self.reads)).items()}
            groups = [list(last.values())] if last else []
            asked = {each.key for each in history.named(self.reads) if each.key is not None}
            found.cannot_tell("keys without a final read, whose amounts are missing", asked - last.keys())
            if not groups:
                found.undecided.append(f"no data: no final read by {' or '.join(self.reads)}")
        for group in groups:
            self._add_up(found, group)
        if self.over == "final_reads" and found.undecided:
            found.violations.clear()  # a sum of which a part is missing proves nothing
        return found

    def _add_up(self, found: Judgement, group: list[Operation]) -> None:
        try:
            total = sum((amount for each in group for amount in amounts(each.result)), Decimal(0))
        except (InvalidOperation, TypeError) as error:
            found.undecided.append(f"{group[0].op} on {named(group[0].key)} has no amounts: {error}")
            return
        found.examined += len(group)
        off = total - Decimal(str(self.total))
        if not abs(off) <= Decimal(str(self.tolerance)):
            text = f"the sum is {total}, {abs(off).normalize():f} too {'much' if off > 0 else 'little'}"
            found.violated(text, *((each, text if len(group) == 1 else "a part of the sum") for each in group))


def amounts(result: Any) -> Iterator[Decimal]:
    """All numbers in an answer. Raises TypeError or InvalidOperation where something else is."""
    if isinstance(result, bool) or result is None:
        raise TypeError(f"{result!r} is no amount")
    if isinstance(result, int | float | str):
        yield Decimal(str(result))
        return
    parts: Iterable[Any] = result.values() if isinstance(result, dict) else result
    for part in parts:
        yield from amounts(part)
