"""Locust's own statistics tell the same story."""

from __future__ import annotations

from faultline.grading.objectives import only
from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule
from faultline.measures._load import quoted

TOLERANCE = 0.01


class Locust(Rule):
    """Requests and failures as Prometheus holds them are within 1% of the requests that Locust's own statistics have.

    Those are kept by Locust's code, not by ours: what our recorder lost or invented would show here.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """Failures are whatever was not answered well. Requests of traffic faults are among both."""
        health = question.evidence.load.health if question.evidence.load else None
        if health is None:
            return []  # the rules `complete` and `generator` say so
        if health.locust_requests is None or health.locust_failures is None:
            return [Doubt("no data: the load generator does not say what Locust counted", "update its image")]
        run = f"run={quoted(question.evidence.run)}"
        doubts = []
        for what, told, labels in (
            ("requests", health.locust_requests, run),
            ("failures", health.locust_failures, f'{run},outcome!="ok"'),
        ):
            query = f"sum(faultline_load_requests_total{{{labels}}})"
            seen, problem = only(await question.prometheus.instant(query, question.evidence.end))
            if seen is None:
                doubts.append(Doubt(f"{what} by Prometheus are not known: {problem}", AGAIN))
            elif abs(seen - told) > TOLERANCE * health.locust_requests:
                doubts.append(Doubt(f"Locust counted {told} {what}, Prometheus holds {seen:g}", AGAIN))
        return doubts
