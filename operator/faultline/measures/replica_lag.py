"""How old what readers of a replica see is."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._load import quoted
from faultline.measures._sampled import SampledMeasure
from faultline.measures.base import Context, Direction


class ReplicaLag(SampledMeasure):
    """Seconds by which the replica that is furthest behind shows the past.

    The injector commits a heartbeat on the primary twice a second, and each replica says when what it last replayed was
    committed: right to within a second, also when nobody else writes. While the primary itself takes no heartbeat,
    that time is not counted: readers miss nothing then.
    """

    unit: ClassVar[str] = "s"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """By the exporters beside the replicas, which belong to the lab's stores and are none of the learner's."""
        labels = f'{{namespace={quoted(context.lab_namespace)},part="store",app="postgres-replica"}}'
        beat = f"max(faultline_heartbeat_age_seconds{{namespace={quoted(context.harness_namespace)}}})"
        return self.over(context, f"clamp_min(max(pg_replication_last_replay_seconds{labels}) - {beat}, 0)")
