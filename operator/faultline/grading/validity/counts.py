"""Prometheus and the load generator counted the same requests."""

from __future__ import annotations

from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule
from faultline.measures._load import quoted

TOLERANCE = 0.01


class Counts(Rule):
    """For each operation and outcome, what Prometheus holds is within 1% of the run's requests of the history's count.

    A restart of the generator, a lost scrape at the end or somebody else's series would show here.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """Compare both ways, so that an operation that only one of them knows counts as well."""
        load = question.evidence.load
        if load is None:
            return []  # the rule `complete` says so
        told = {(op, name): float(n) for op, outcomes in load.counts.items() for name, n in outcomes.items()}
        found = await question.prometheus.instant(
            f'sum by (op, outcome) (faultline_load_requests_total{{run={quoted(question.evidence.run)},fault=""}})',
            question.evidence.end,
        )
        seen = {(each.labels.get("op", ""), each.labels.get("outcome", "")): each.value for each in found}
        total = sum(told.values())
        if not total:
            return [Doubt("no data: the load generator recorded no request", f"mend load.py or {AGAIN}")]
        off = {
            key: (told.get(key, 0.0), seen.get(key, 0.0))
            for key in sorted(told.keys() | seen.keys())
            # `not <=` so that NaN is off as well
            if not abs(told.get(key, 0.0) - seen.get(key, 0.0)) <= TOLERANCE * total
        }
        return [
            Doubt(f"{op} {outcome}: the load generator counted {ours:g}, Prometheus holds {theirs:g}", AGAIN)
            for (op, outcome), (ours, theirs) in off.items()
        ]
