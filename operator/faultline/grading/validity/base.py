"""What a validity rule is: it looks at a run's evidence and at Prometheus and gives its doubts.

An extension is one file in this folder with one class. A run with a doubt is inconclusive, whatever it measured.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from faultline.clients.prometheus import Prometheus
from faultline.errors import FaultlineError
from faultline.grading.evidence import Evidence
from faultline.measures.base import Context
from faultline.scenario import ScenarioSpec

AGAIN = "run it again"


@dataclass(frozen=True)
class Doubt:
    """Why a run cannot be judged, and what a person can do about it."""

    reason: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.next_step}"


@dataclass(frozen=True)
class Question:
    """The run that is being judged."""

    prometheus: Prometheus
    spec: ScenarioSpec
    evidence: Evidence
    context: Context


class Rule(ABC):
    """One way in which a run may be unfit to be judged. The class docstring says what and why, and goes into docs."""

    @abstractmethod
    async def check(self, question: Question) -> list[Doubt]:
        """The doubts; none when all is well. Queries may fail: that is a doubt too."""

    async def judge(self, question: Question) -> list[Doubt]:
        """As `check`, with a query that failed turned into a doubt."""
        try:
            return await self.check(question)
        except FaultlineError as error:
            step = error.next_step or "see docs/errors.md"
            return [Doubt(f"the rule {type(self).__name__} cannot be judged: {error.message}", step)]
