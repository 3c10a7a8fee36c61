"""What counts kept counting."""

from __future__ import annotations

from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule
from faultline.measures._load import quoted
from faultline.measures.base import length

COUNTERS = "faultline_(load_offered|edge_connections|dependency_requests)_total"


class Restarts(Rule):
    """No counter that is graded started again from 0 in its pod: load generator, injector, our shared services.

    What it had counted by then is lost. Pods that were replaced are not restarts: each counts in full.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """Prometheus sees a counter go down."""
        start, end = question.evidence.loaded[0], question.evidence.end
        namespaces = f"{question.context.lab_namespace}|{question.context.harness_namespace}"
        labels = f'{{__name__=~{quoted(COUNTERS)},namespace=~{quoted(namespaces)},part!="app"}}'
        query = f"max by (pod) (resets({labels}{length(start, end)})) > 0"
        return [
            Doubt(
                f"{each.labels.get('pod', 'a pod')} restarted during the run",
                f"`kubectl describe pod` says why; {AGAIN}",
            )
            for each in await question.prometheus.instant(query, end)
        ]
