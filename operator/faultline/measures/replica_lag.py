"""How old what readers of a replica see is."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._load import quoted
from faultline.measures._queue import LEAST_SEEN
from faultline.measures._sampled import SampledMeasure
from faultline.measures.base import Context, Direction, length, moment


class ReplicaLag(SampledMeasure):
    """Seconds by which the replica that is furthest behind shows the past.

    The injector commits a heartbeat on the primary twice a second, and each replica says when what it last replayed was
    committed: right to within a second, also when nobody else writes. While the primary itself takes no heartbeat,
    that time is not counted: readers miss nothing then. No data when fewer than 80% of the seconds have a reading,
    since a replica that is too busy to answer is so in the worst of them.
    """

    unit: ClassVar[str] = "s"
    better: ClassVar[Direction | None] = "lower"
    nothing: ClassVar[str] = f"fewer than {LEAST_SEEN:.0%} of the seconds have a reading of a replica"

    def query(self, context: Context) -> str:
        """By the exporters beside the replicas, which belong to the lab's stores and are none of the learner's."""
        labels = f'{{namespace={quoted(context.lab_namespace)},part="store",app="postgres-replica"}}'
        beat = f"max(faultline_heartbeat_age_seconds{{namespace={quoted(context.harness_namespace)}}})"
        lag = f"clamp_min(max(pg_replication_last_replay_seconds{labels}) - {beat}, 0)"
        found = self.over(context, lag)
        if self.statistic == "end":
            return found
        start, end = context.span(self.phases)
        seen = f"count_over_time(({lag}){length(start, end)[:-1]}:1s] {moment(end)})"
        return f"{found}\n  and {seen} >= {LEAST_SEEN * (end - start):.1f}"
