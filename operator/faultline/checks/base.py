"""What a check is: parameters, and a judgement over the whole history of a run's operations.

An extension is one file in this folder with one class; the file's name is the check's name in an objective. The class'
docstring and its fields' descriptions become its section of docs/checks.md. A check runs in a process of its own and
may take what it needs from the history; it says nothing that the history does not prove.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from faultline.api.base import Line, Model
from faultline.checks._history import History, Operation

Operations = Annotated[list[Line], Field(min_length=1, max_length=8)]
"""Names of operations as load.py records them."""

NO_OPERATIONS: list[str] = []
KEYS_NAMED = 3


@dataclass(frozen=True)
class Seen:
    """One operation of a counter-example, and what is to be noticed about it."""

    operation: Operation
    note: str = ""


@dataclass(frozen=True)
class CounterExample:
    """The few operations that prove a violation, and one sentence about it."""

    text: str
    seen: tuple[Seen, ...]

    @property
    def size(self) -> tuple[int, float]:
        """Fewer operations first, then those that lie closer together (seconds)."""
        starts = [each.operation.start for each in self.seen]
        return len(self.seen), max(starts) - min(starts)


@dataclass
class Judgement:
    """What a check found: `examined` counts what it looked at (in `Check.unit`), `undecided` is what it cannot tell."""

    examined: int = 0
    violations: list[CounterExample] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    @property
    def result(self) -> Literal["holds", "violated", "undecided"]:
        """A counter-example stands whatever else is not known; nothing looked at is nothing known."""
        if self.violations:
            return "violated"
        return "undecided" if self.undecided or not self.examined else "holds"

    def violated(self, text: str, *seen: tuple[Operation, str]) -> None:
        """Add a counter-example, its operations in the order of time."""
        ordered = sorted(seen, key=lambda each: each[0].start)
        self.violations.append(CounterExample(text, tuple(Seen(*each) for each in ordered)))

    def cannot_tell(self, what: str, keys: Collection[str | None]) -> None:
        """Add a reason that concerns some keys, when there are any."""
        if keys:
            some = ", ".join(named(key) for key in sorted(keys, key=str)[:KEYS_NAMED])
            more = ", …" if len(keys) > KEYS_NAMED else ""
            self.undecided.append(f"{what}: {len(keys)} ({some}{more})")


class Check(Model, ABC):
    """One property of the history. It gives a `Judgement`: holds, violated with counter-examples, or undecided."""

    unit: ClassVar[str] = "operations"
    """What `Judgement.examined` counts."""

    @abstractmethod
    def judge(self, history: History) -> Judgement:
        """Look at the whole history. What it does not contain is undecided, never fine."""


def named(key: str | None) -> str:
    """A key as a sentence has it."""
    return "no key" if key is None else key


def absent(history: History, *groups: tuple[str, Sequence[str]]) -> list[str]:
    """Why there is nothing to judge: a group of operations of which the history has none that was answered."""
    return [
        f"no data: the history has no answered operation {' or '.join(names)} ({role})"
        for role, names in groups
        if not history.answered(names)
    ]
