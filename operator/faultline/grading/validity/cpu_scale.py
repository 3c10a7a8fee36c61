"""CPU limits can be scaled to this machine."""

from __future__ import annotations

from faultline.grading.evidence import CPU_SCALE_LIMITS
from faultline.grading.validity.base import Doubt, Question, Rule


class CpuScaled(Rule):
    """The machine takes less than twice the reference machine's CPU time for the same work.

    The lab's CPU limits are multiplied by that. From twice on a lab would need 2.4 cores for what its scenario says.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """As the operator measured it on the idle lab."""
        scale = question.evidence.cpu_scale
        if scale < CPU_SCALE_LIMITS[1]:
            return []
        reason = f"this machine's cores are {scale:g} or more times slower than those of the reference machine"
        return [Doubt(reason, "stop what else uses this machine, or use a faster one")]
