"""Each fault was seen to work, and to be gone."""

from __future__ import annotations

from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule


class FaultEffect(Rule):
    """The injector's probe on the data path saw each fault begin (`observed`) and end (`cleared`).

    A probe that saw one fault of a run is there for all: when none has either time, this injector has no probes, and
    the rule is silent. The control `none` has nothing to see.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """Faults that were never applied are the rule fault_times'."""
        faults = [each for each in question.evidence.faults if each.type != "none" and each.applied is not None]
        if all(each.observed is None and each.cleared is None for each in faults):
            return []
        step = f"the path may not lead over that edge; check the scenario and {AGAIN}"
        doubts = [
            Doubt(f"fault {each.name} had no measurable effect on {each.edge or 'its target'}", step)
            for each in faults
            if each.observed is None
        ]
        return doubts + [
            Doubt(
                f"fault {each.name} was not seen to be gone from {each.edge or 'its target'}", "`make stop`, then again"
            )
            for each in faults
            if each.observed is not None and each.cleared is None
        ]
