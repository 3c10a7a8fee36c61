"""How fast this machine's cores are, so that a lab's CPU limits are worth the same everywhere.

A flaw shows because a pod is full, and what fills 0.2 of a core on one machine takes 0.1 on another: there the flawed
app would pass, and on a slow one the best of fixes would not. So a limit is counted in cores of the reference machine,
and what a pod gets is that, times how much longer this machine takes for the same work.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time

from faultline.grading.evidence import CPU_SCALE_LIMITS

log = logging.getLogger(__name__)

REFERENCE_SECONDS = 0.00031
"""CPU time of one piece of work in the operator's image on the reference machine. It is a quarter slower than the one
that scenarios were last set on (AMD EPYC of the fifth generation: 0.00025): most machines are slower than that.
"""
ROUNDS, PIECES, REST_SECONDS = 10, 20, 0.05
"""The shortest piece counts: whatever else the machine does makes one longer, and nothing makes it shorter. With rests,
since a pod that burns what its limit allows does so in the first part of each tenth of a second."""
SAME = 0.1
"""Less of a difference is chance, and would only move limits to and fro from run to run."""
DOUBTS, DOUBT_SECONDS = 3, 1.0
"""How often a machine that seems to have become slower is measured again: it may only have been busy for a moment."""


class Speed:
    """What the operator knows of it; `scale` is 1 on the reference machine, 2 on one that is half as fast."""

    def __init__(self) -> None:
        self.scale = 1.0

    async def look(self) -> bool:
        """Measure again, while no load is on; whether the scale is another one now."""
        found = await asyncio.to_thread(measure)
        for _ in range(DOUBTS):
            if found / self.scale - 1 <= SAME:
                break
            await asyncio.sleep(DOUBT_SECONDS)
            found = min(found, await asyncio.to_thread(measure))
        if abs(found / self.scale - 1) <= SAME:
            return False
        log.info("this machine takes %.2f times the reference's CPU time, %.2f before", found, self.scale)
        self.scale = found
        return True


def measure() -> float:
    """This machine's CPU time over the reference's, within CPU_SCALE_LIMITS. Blocks for most of a second.

    CPU time rather than time: nobody's limit and no other program shows in it, as far as they do not share the core.
    """
    low, high = CPU_SCALE_LIMITS
    return round(min(high, max(low, min(_round() for _ in range(ROUNDS)) / REFERENCE_SECONDS)), 2)


def _round() -> float:
    time.sleep(REST_SECONDS)
    return min(_piece() for _ in range(PIECES))


def _piece() -> float:
    """What a service does with a request: it reads text, sorts, counts and writes text."""
    began = time.thread_time()
    rows = [{"id": number, "name": f"name-{number * 7919 % 1000}", "price": number * 1.25} for number in range(300)]
    read = json.loads(json.dumps(rows))
    counts: dict[str, int] = {}
    for row in sorted(read, key=lambda each: each["name"]):
        counts[row["name"][:6]] = counts.get(row["name"][:6], 0) + row["id"] % 3
    json.dumps(counts)
    return time.thread_time() - began
