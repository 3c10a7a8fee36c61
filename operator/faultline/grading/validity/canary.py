"""The canary says how fast this machine is."""

from __future__ import annotations

import math

from faultline.grading.evidence import SCALE_LIMITS
from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule


class CanaryMeasured(Rule):
    """The canary was measured on the idle lab, and the machine is less than 4 times slower than the reference machine.

    Latency targets are scaled by it. From 4 times on, where the load generator stops counting, queueing dominates and
    no factor is right any more.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """As the load generator measured it before the baseline."""
        load = question.evidence.load
        if load is None:
            return []  # the rule `complete` says so
        scale = load.canary.scale if load.canary else None
        if scale is None or not math.isfinite(scale) or scale <= 0:
            return [Doubt("no data: the canary was not measured, so latency targets cannot be scaled", AGAIN)]
        if scale >= SCALE_LIMITS[1]:
            step = "stop what else uses this machine, or use a faster one"
            reason = f"the canary is {scale:.1f} or more times slower than on the reference machine"
            return [Doubt(reason, step)]
        return []
