"""How long until somebody was told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from faultline.api.base import Line, Slug
from faultline.measures._load import quoted
from faultline.measures.base import Context, Direction, Measure, length, moment


class TimeToDetect(Measure):
    """From the start of a fault to the first alert that reached the pager after it.

    The pager is the shared service `pager.main:app`, to which the app (or its Alertmanager) posts. The whole time up to
    the end of the recovery when no alert came; right to within two seconds.
    """

    unit: ClassVar[str] = "s"
    better: ClassVar[Direction | None] = "lower"

    fault: Slug | None = Field(None, description="the fault to detect; the first one if left out")
    alert: Line | None = Field(None, description="the alert that counts; any if left out")

    def query(self, context: Context) -> str:
        """The first second in which the pager had more alerts than when the fault began."""
        start, end = self._start(context), context.windows["recovery"][1]
        pager = f'namespace={quoted(context.lab_namespace)},part="shared"'
        every = f"faultline_pages_total{{{pager}}}"
        pages = f"faultline_alerts_total{{{pager},alert={quoted(self.alert)}}}" if self.alert else every
        before = f"(sum(last_over_time({pages}[9s] {moment(start)})) or vector(0))"
        told = f"vector(time()) and on() sum({pages}) > on() {before}"
        first = f"min_over_time(({told}){length(start, end)[:-1]}:1s] {moment(end)})"
        # Without a pager there is no number; with one that was told nothing there is.
        never = f"(vector({end:.3f}) and on() sum(last_over_time({every}[9s] {moment(end)})))"
        return f"({first}\n  or {never}) - {start:.3f}"

    def _start(self, context: Context) -> float:
        starts = [each.start for each in context.faults if self.fault in (None, each.name)]
        return min(starts, default=context.windows["fault"][0])

    def window(self) -> str:
        """After the fault's start."""
        return f"start of {self.fault or 'the first fault'} to end of recovery"
