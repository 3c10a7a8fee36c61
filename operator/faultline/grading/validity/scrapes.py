"""Prometheus saw the harness all the time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from faultline import names
from faultline.clients.prometheus import Series
from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule
from faultline.measures._load import quoted
from faultline.measures.base import length

GAP_SECONDS = 3.0


class Scrapes(Rule):
    """No gap over 3 s between good scrapes of load generator, injector and meter, from the baseline to the grading.

    Only the harness's own: an app that a fault killed does not answer scrapes either, and that is what is graded.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """The samples of `up` carry their own times, and a failed scrape is a 0."""
        start, end = question.evidence.loaded[0], question.evidence.end
        targets = {
            "loadgen": question.context.harness_namespace,
            "edges": question.context.harness_namespace,
            "meter": names.SYSTEM_NAMESPACE,
        }
        doubts = []
        for component, namespace in targets.items():
            labels = f"{{namespace={quoted(namespace)},pod=~{quoted(component + '-.+')}}}"
            found = await question.prometheus.raw(f"up{labels}{length(start, end)}", end)
            if not found:
                doubts.append(Doubt(f"no data: Prometheus never scraped {component}", f"is its pod up? then {AGAIN}"))
                continue
            gap, at = longest_gap(found, start, end)
            if gap > GAP_SECONDS:
                step = f"free CPU on this machine and {AGAIN}"
                doubts.append(Doubt(f"no scrape of {component} for {gap:.1f} s, {at - start:.0f} s into the run", step))
        return doubts


def longest_gap(series: Iterable[Series], start: float, end: float) -> tuple[float, float]:
    """Length of the longest time without a good scrape, and when it began; several pods count as one target."""
    good = sorted(at for each in series for at, value in each.points if value == 1)
    return max((later - earlier, earlier) for earlier, later in pairwise([start, *good, end]))
