"""Each fault came and went when it was planned."""

from __future__ import annotations

from faultline.api.run import FaultStatus
from faultline.faults import FAULTS
from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule

EDGE_BOUND_SECONDS = 0.1
OTHER_BOUND_SECONDS = 1.0


class FaultTimes(Rule):
    """Each planned fault was applied and reverted without an error, within a bound of its plan.

    Edge faults are promised within 20 ms for 99 in 100; a run is in doubt from 100 ms on, which is still below what
    objectives can see (recovery counts whole seconds, and 0.1 s is 0.3% of a fault phase). Others have 1 s.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """One doubt a fault at most: what comes first explains the rest."""
        faults = question.evidence.faults
        planned = len(question.spec.faults)
        if len(faults) < planned:
            reason = f"the injector reports {len(faults)} of {planned} planned faults"
            return [Doubt(reason, f"see the log of the harness' pod edges and {AGAIN}")]
        return [doubt for fault in faults if (doubt := _doubt(fault))]


def _doubt(fault: FaultStatus) -> Doubt | None:
    on_edge = fault.type in FAULTS and FAULTS[fault.type].family == "edge"
    bound = EDGE_BOUND_SECONDS if on_edge else OTHER_BOUND_SECONDS
    step = f"see the log of the harness' pod edges and {AGAIN}"
    if fault.error:
        return Doubt(f"fault {fault.name} had an error: {fault.error}", step)
    if fault.applied is None:
        return Doubt(f"fault {fault.name} was never applied", step)
    if fault.reverted is None:
        return Doubt(f"fault {fault.name} has no end on record", step)
    for what, seen, plan in (
        ("applied", fault.applied, fault.planned_start),
        ("reverted", fault.reverted, fault.planned_end),
    ):
        # Too early an end is the rule fault_cut_short's
        if seen - plan > bound or (what == "applied" and plan - seen > bound):
            return Doubt(f"fault {fault.name} was {what} {1000 * (seen - plan):+.0f} ms off its plan", step)
    return None
