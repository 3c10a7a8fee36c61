"""The load generator kept to its schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator

from faultline.grading.validity.base import Doubt, Question, Rule

LATE_P99_SECONDS = 0.05
LATE_MAX_SECONDS = 1.0
CPU_SHARE = 0.9
LOST = 0.01


class Generator(Rule):
    """It dispatched on time, sent what was planned and had CPU to spare; unfinished requests are never its fault.

    Latency counts from the intended start, so lateness adds to what is measured. p99 at most 50 ms: an order below the
    differences that objectives look for. Longest at most 1 s: a stall of s seconds touches s in 45 of a run's
    requests, and from 1 s on 2% of them, which an availability of 99% or a p99 would feel. CPU at most 90% of a core:
    above that its own queueing shows in the latencies. At least 99% of the plan sent: a load that was slowed down
    proves nothing.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """As the generator reports it."""
        load = question.evidence.load
        if load is None:
            return []  # the rule `complete` says so
        if load.health is None:
            return [Doubt("no data: the load generator says nothing about its own health", "update its image")]
        health, doubts = load.health, []
        for what, value, limit, unit in (
            ("dispatched 1 in 100 requests late by", health.late_p99, LATE_P99_SECONDS, " s or more"),
            ("dispatched a request late by", health.late_max, LATE_MAX_SECONDS, " s"),
            ("used its CPU core to a share of", health.cpu, CPU_SHARE, ""),
        ):
            doubts += list(_above(what, value, limit, unit))
        if not health.planned or health.dispatched is None:
            return [*doubts, Doubt("no data: the load generator does not say what it planned and sent", "see its log")]
        if health.dispatched < (1 - LOST) * health.planned:
            step = "see its log for why"
            doubts.append(
                Doubt(f"the load generator sent {health.dispatched} of {health.planned} planned requests", step)
            )
        return doubts


def _above(what: str, value: float | None, limit: float, unit: str) -> Iterator[Doubt]:
    if value is None or math.isnan(value):
        yield Doubt(f"no data: whether the load generator {what} over {limit:g}{unit} is not known", "see its log")
    elif value > limit:
        step = "stop what else uses this machine's CPU, or lower the load's rate, and run it again"
        yield Doubt(f"the load generator {what} {value:.3g}{unit}, over the limit of {limit:g}", step)
