"""What the operator itself saw going wrong."""

from __future__ import annotations

from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule


class OperatorProblems(Rule):
    """The operator reported nothing, such as code that changed during the run or a restart."""

    async def check(self, question: Question) -> list[Doubt]:
        """Each problem is a doubt."""
        return [Doubt(each, f"leave the lab alone during a run and {AGAIN}") for each in question.evidence.problems]
