"""What a person compares two runs by, whatever the scenario's objectives are."""

from __future__ import annotations

import asyncio

from faultline.api.run import Summary
from faultline.clients.prometheus import Prometheus
from faultline.errors import FaultlineError
from faultline.grading.objectives import only
from faultline.measures.availability import Availability
from faultline.measures.base import Context, Measure
from faultline.measures.latency_quantile import LatencyQuantile
from faultline.measures.throughput import Throughput
from faultline.measures.time_to_recover import TimeToRecover

MEASURES: dict[str, Measure] = {
    "success_rate": Availability(op=None),
    "p50": LatencyQuantile(op=None, quantile="0.5"),
    "p95": LatencyQuantile(op=None, quantile="0.95"),
    "p99": LatencyQuantile(op=None, quantile="0.99"),
    "requests_per_second": Throughput(op=None),
    "recovery_seconds": TimeToRecover(op=None),
}


async def summarise(prometheus: Prometheus, context: Context) -> Summary:
    """The summary over all loaded phases; None where there is no number."""
    values = await asyncio.gather(*(_value(prometheus, each, context) for each in MEASURES.values()))
    return Summary(**dict(zip(MEASURES, values, strict=True)))


async def _value(prometheus: Prometheus, measure: Measure, context: Context) -> float | None:
    try:
        return only(await prometheus.instant(measure.query(context), context.end))[0]
    except FaultlineError:
        # A summary is for reading; that Prometheus fails is reported by each objective and each rule.
        return None
