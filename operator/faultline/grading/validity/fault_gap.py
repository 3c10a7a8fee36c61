"""Each fault stayed on."""

from __future__ import annotations

from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule

SHARE = 0.05


class FaultGap(Rule):
    """No fault was off for over 5% of its planned time while a wedged Toxiproxy or the injector was restarted.

    Below that, what it does to a share of requests or to a quantile is well within what targets leave as margin.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """The injector counts the time within the fault in which it was not on."""
        doubts = []
        for fault in question.evidence.faults:
            planned = fault.planned_end - fault.planned_start
            if fault.gap > SHARE * planned:
                reason = f"fault {fault.name} was not on for {fault.gap:.1f} s of its {planned:.1f} s"
                doubts.append(Doubt(reason, f"see the log of the harness' pod edges and {AGAIN}"))
        return doubts
