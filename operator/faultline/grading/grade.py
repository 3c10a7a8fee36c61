"""Grades a finished run: everything is asked at once, side by side, and nothing is asked twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from faultline.api.base import Model
from faultline.api.run import ObjectiveStatus, Summary, Verdict
from faultline.checks import CHECKS
from faultline.clients.prometheus import Prometheus
from faultline.grading.evidence import Evidence
from faultline.grading.objectives import assess, assess_check
from faultline.grading.summary import summarise
from faultline.grading.validity import RULES, complete
from faultline.grading.validity.base import Doubt, Question
from faultline.grading.verdict import decide, missed_required, score
from faultline.measures.base import Context
from faultline.scenario import ScenarioSpec

POLL_SECONDS = 0.2
REASONS = 20
"""As many as a Run's status holds."""


class Graded(Model):
    """What grading adds to a Run's status. There is no score where the measures cannot be trusted: the verdict is
    inconclusive then, or fail by a counter-example in the history.
    """

    objectives: list[ObjectiveStatus]
    score: int | None
    verdict: Verdict
    reasons: list[str]
    summary: Summary
    canary_scale: float


async def grade(prometheus: Prometheus, spec: ScenarioSpec, evidence: Evidence) -> Graded:
    """Objectives, score, verdict and its reasons. Bad or missing data ends up in these; nothing is raised for it."""
    context = evidence.context(spec)
    question = Question(prometheus, spec, evidence, context)
    found, objectives, summary = await asyncio.gather(
        asyncio.gather(*(rule().judge(question) for rule in RULES.values())),
        _objectives(prometheus, spec, evidence, context),
        summarise(prometheus, context),
    )
    doubts = [doubt for doubts in found for doubt in doubts]
    verdict = decide(objectives, valid=not doubts)
    return Graded(
        objectives=objectives,
        score=None if doubts or verdict is Verdict.INCONCLUSIVE else score(objectives),
        verdict=verdict,
        reasons=_reasons(doubts, objectives),
        summary=summary,
        canary_scale=context.canary_scale,
    )


async def _objectives(
    prometheus: Prometheus, spec: ScenarioSpec, evidence: Evidence, context: Context
) -> list[ObjectiveStatus]:
    """Measures are asked for side by side; checks have been made, in the order of their objectives."""
    measures = [each for each in spec.objectives if each.type not in CHECKS]
    measured = iter(await asyncio.gather(*(assess(prometheus, each, context) for each in measures)))
    checked = iter(evidence.checks)
    return [assess_check(each, next(checked)) if each.type in CHECKS else next(measured) for each in spec.objectives]


def _reasons(doubts: Sequence[Doubt], objectives: Sequence[ObjectiveStatus]) -> list[str]:
    violated = [each for each in objectives if each.measure in CHECKS and each.value]
    reasons = [
        f"the history proves it whatever else happened: {each.name!r} is violated" for each in violated if doubts
    ]
    reasons += dict.fromkeys(str(each) for each in doubts)
    reasons += [f"objective {each.name!r} has no value ({each.problem}); {_look(each)}" for each in objectives
                if each.value is None]  # fmt: skip
    if not reasons:  # otherwise there is no score that could be capped
        missed = missed_required(objectives)
        reasons = [f"required objective {name!r} is missed: the score is 79 at most" for name in missed]
    if len(reasons) > REASONS:
        reasons = [*reasons[: REASONS - 1], f"and {len(reasons) - REASONS + 1} more"]
    return reasons


def _look(objective: ObjectiveStatus) -> str:
    if objective.measure in CHECKS:
        return f"see {objective.measure} in docs/checks.md for what load.py has to record"
    return "look at its query and at the metric it names"


async def wait_complete(prometheus: Prometheus, run: str, patience: float = 5.0) -> float:
    """Waits until Prometheus holds the load generator's last word on `run`; gives the moment, in Unix seconds.

    After `patience` seconds it gives up and gives the present all the same: the validity rule `complete` says what is
    missing. Raises Unreachable (FL661) when Prometheus does not answer.
    """
    deadline = time.monotonic() + patience
    while True:
        now = time.time()
        done = await prometheus.instant(complete.query(run), now)
        if any(each.value == 1 for each in done) or time.monotonic() >= deadline:
            return now
        await asyncio.sleep(POLL_SECONDS)
