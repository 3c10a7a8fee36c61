"""How much of what readers look up is in Redis."""

from __future__ import annotations

from typing import ClassVar

from faultline.api.app import App
from faultline.measures._load import PhasedMeasure, quoted
from faultline.measures.base import Context, Direction, grown


class CacheHitRatio(PhasedMeasure):
    """Look-ups in Redis that found their key, over all look-ups, as Redis itself counts them.

    A time without any look-up has no ratio, and so no value.
    """

    unit: ClassVar[str] = "ratio"
    better: ClassVar[Direction | None] = "higher"

    def stores(self, app: App) -> list[tuple[str, str]]:
        """Redis itself counts."""
        return [("", "redis")]

    def query(self, context: Context) -> str:
        """By the exporter beside Redis, which belongs to the lab's stores and is none of the learner's."""
        labels = f'{{namespace={quoted(context.lab_namespace)},part="store"}}'
        hits, misses = (
            grown(f"redis_keyspace_{each}_total{labels}", *context.span(self.phases)) for each in ("hits", "misses")
        )
        return f"({hits})\n/ ({hits}\n  + {misses})"
