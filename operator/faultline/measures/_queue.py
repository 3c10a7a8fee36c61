"""Shared by measures over the queues that a scenario declares (`app.queues`); the injector reads them each second."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from faultline.api.app import App
from faultline.api.base import Slug
from faultline.measures._load import quoted
from faultline.measures._sampled import SampledMeasure
from faultline.measures.base import Context, length, moment

LEAST_SEEN = 0.8
"""Of the seconds: a few are missing in any run, in which the store or the injector answered late."""


class QueueMeasure(SampledMeasure):
    """A measure of one queue."""

    nothing: ClassVar[str] = f"fewer than {LEAST_SEEN:.0%} of the seconds have a reading of the queue"

    queue: Slug = Field(description="a name out of app.queues")

    def stores(self, app: App) -> list[tuple[str, str]]:
        """Where the queue is, unless the learner may choose among several."""
        found = [store for each in app.queues if each.name == self.queue for store in each.stores()]
        return [("queue", found[0])] if len(found) == 1 else []

    def read(self, context: Context, combined: str, metric: str) -> str:
        """The statistic of a metric of the queue; `combined` is how several series are one.

        Nothing when too little was seen: a store that is too busy to answer is so in the worst seconds.
        """
        series = f"{metric}{{namespace={quoted(context.harness_namespace)},queue={quoted(self.queue)}}}"
        found = self.over(context, f"{combined}({series})")
        if self.statistic == "end":
            return found
        start, end = context.span(self.phases)
        seen = f"sum(count_over_time({series}{length(start, end)} {moment(end)}))"
        return f"{found}\n  and {seen} >= {LEAST_SEEN * (end - start):.1f}"
