"""How much of what readers look up is in Redis."""

from __future__ import annotations

from typing import ClassVar

from faultline.api.app import App
from faultline.measures._load import PhasedMeasure, quoted
from faultline.measures.base import Context, Direction, grown, length, moment


class CacheHitRatio(PhasedMeasure):
    """Look-ups in Redis that found their key, over all look-ups, as Redis itself counts them.

    A time without any look-up has no ratio, and so no value; nor has one in which Redis began to count anew, as after a
    restart. The look-ups are the app's: one that looks up what it does not need raises it, so let an objective of what
    users see stand beside it.
    """

    unit: ClassVar[str] = "ratio"
    better: ClassVar[Direction | None] = "higher"
    nothing: ClassVar[str] = "nothing was looked up, or Redis began to count anew"

    def stores(self, app: App) -> list[tuple[str, str]]:
        """Redis itself counts."""
        return [("", "redis")]

    def query(self, context: Context) -> str:
        """By the exporter beside Redis, which belongs to the lab's stores and is none of the learner's."""
        labels = f'{{namespace={quoted(context.lab_namespace)},part="store"}}'
        start, end = context.span(self.phases)
        counters = [f"redis_keyspace_{each}_total{labels}" for each in ("hits", "misses")]
        hits, misses = (grown(each, start, end) for each in counters)
        anew = " + ".join(f"sum(resets({each}{length(start, end)} {moment(end)}))" for each in counters)
        return f"(({hits})\n/ ({hits}\n  + {misses}))\n  and {anew} == 0"
