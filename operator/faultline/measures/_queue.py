"""Shared by measures over the queues that a scenario declares (`app.queues`); the injector reads them each second."""

from __future__ import annotations

from pydantic import Field

from faultline.api.base import Slug
from faultline.measures._load import quoted
from faultline.measures._sampled import SampledMeasure
from faultline.measures.base import Context


class QueueMeasure(SampledMeasure):
    """A measure of one queue."""

    queue: Slug = Field(description="a name out of app.queues")

    def labels(self, context: Context) -> str:
        """The selector of the queue."""
        return f"{{namespace={quoted(context.harness_namespace)},queue={quoted(self.queue)}}}"
