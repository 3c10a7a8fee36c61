"""No fault ended before its time."""

from __future__ import annotations

from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule

BOUND_SECONDS = 0.1


class FaultCutShort(Rule):
    """No fault ended over 0.1 s before its plan said: `make stop`, a lost lease or a restart makes a run easier."""

    async def check(self, question: Question) -> list[Doubt]:
        """Faults without an end are the rule fault_times'."""
        return [
            Doubt(
                f"fault {fault.name} was cut short by {fault.planned_end - fault.reverted:.1f} s",
                f"it was stopped or lost its lease: leave the run alone and {AGAIN}",
            )
            for fault in question.evidence.faults
            if fault.reverted is not None and fault.planned_end - fault.reverted > BOUND_SECONDS
        ]
