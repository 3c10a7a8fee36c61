"""The load generator finished, and Prometheus holds its last word."""

from __future__ import annotations

from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule
from faultline.measures._load import quoted

FRESH_SECONDS = 3.0
"""Three scrapes: the same bound as for a gap during the run."""


def query(run: str) -> str:
    """1 as soon as everything about the run is exported."""
    return f"faultline_load_complete{{run={quoted(run)}}}"


class Complete(Rule):
    """The load generator reached `done` without an error, and its final numbers are in Prometheus, at most 3 s old.

    Its numbers are what is graded; older ones may lack the end of the run.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """State as the generator tells it, then what was scraped."""
        load = question.evidence.load
        if load is None:
            return [Doubt("no data: the load generator did not say how the run went", f"is its pod up? then {AGAIN}")]
        if load.state != "done":
            why = f" ({load.error})" if load.error else ""
            return [Doubt(f"the load generator ended as {load.state}{why} instead of done", f"mend load.py or {AGAIN}")]
        return await self._scraped(question)

    async def _scraped(self, question: Question) -> list[Doubt]:
        name, end = query(question.evidence.run), question.evidence.end
        found = await question.prometheus.instant(f"timestamp({name}) and {name} == 1", end)
        if not found:
            return [Doubt("no data: Prometheus does not hold the load generator's final numbers", AGAIN)]
        if len(found) > 1:
            return [Doubt(f"several series: {len(found)} load generators reported this run", f"remove one and {AGAIN}")]
        age = end - found[0].value
        if age > FRESH_SECONDS:
            return [Doubt(f"stale data: the load generator was last scraped {age:.1f} s before grading", AGAIN)]
        return []
