"""A rule for a scenario's folder, and what it says of one that breaks it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faultline.lint._folder import Folder


@dataclass(frozen=True, order=True)
class Problem:
    """One place that breaks a rule; `line` counts from 1 and is 0 where the file as a whole is meant."""

    file: str
    line: int
    rule: str
    message: str
    next_step: str


@dataclass(frozen=True)
class Tier:
    """What a tier's lesson owes its reader. `grade` is the highest reading grade of its prose, None for any."""

    rungs: int
    diagrams: int
    grade: float | None = None
    sentence: int | None = None
    """Words of the longest sentence."""
    draws_concepts: bool = False
    """Whether each concept has a diagram of its own; elsewhere it would give the cause away."""
    shows_commands: bool = False
    """Whether the lesson says what to type, and what is to be seen before and after."""


TIERS = {
    "crawling": Tier(5, 3, grade=6.0, sentence=40, draws_concepts=True, shows_commands=True),
    "walking": Tier(4, 2, shows_commands=True),
    "running": Tier(3, 1),
    "sprinting": Tier(1, 1),
}


class Rule(ABC):
    """One rule; its name is that of its file."""

    @property
    def name(self) -> str:
        """As in `faultline lint`'s output and in docs/writing-a-scenario.md."""
        return type(self).__module__.rsplit(".", 1)[1]

    @abstractmethod
    def check(self, folder: Folder) -> Iterator[Problem]:
        """What the folder breaks of it."""

    def problem(self, file: str, line: int, message: str, next_step: str) -> Problem:
        """A finding of this rule."""
        return Problem(file, line, self.name, message, next_step)
