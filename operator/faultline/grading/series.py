"""The 1 s series behind the report's charts: what was offered and answered, latency, faults, edges, CPU."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from pydantic import Field

from faultline import names
from faultline.api.base import Model
from faultline.api.run import FaultStatus
from faultline.clients.prometheus import Prometheus, Series
from faultline.errors import FaultlineError
from faultline.faults import FAULTS
from faultline.grading.evidence import Evidence
from faultline.measures._load import quoted

STEP_SECONDS = 1.0
LEAD_SECONDS = 2.0
"""Shown before the baseline, so that the load is seen to start."""


class Line(Model):
    """One line of a chart; None where there is no data. As long as the record's `seconds`."""

    label: str
    values: list[float | None]


class Chart(Model):
    """Lines that share an axis."""

    name: str
    title: str
    unit: str
    lines: list[Line] = Field(default_factory=list)
    problem: str = ""
    """Why there are no lines."""


class Span(Model):
    """A shaded time: a phase, or a fault as it really was. Seconds after the start of the baseline."""

    kind: str
    name: str
    start: float
    end: float
    detail: str = ""


class RunSeries(Model):
    """The content of series.json. `seconds` count from the start of the baseline, in Unix seconds `mark`."""

    run: str
    mark: float
    seconds: list[float]
    spans: list[Span]
    charts: list[Chart]


async def series(prometheus: Prometheus, evidence: Evidence) -> RunSeries:
    """Asks for all charts side by side. A chart that cannot be had carries its problem; nothing is raised for it."""
    mark = evidence.windows["baseline"][0]
    end = max(end for _, end in evidence.windows.values())
    count = math.ceil((end - mark + LEAD_SECONDS) / STEP_SECONDS) + 1
    seconds = [round(i * STEP_SECONDS - LEAD_SECONDS, 3) for i in range(count)]
    charts = await asyncio.gather(
        *(_chart(prometheus, chart, queries, mark, seconds) for chart, queries in _plan(evidence))
    )
    return RunSeries(run=evidence.run, mark=mark, seconds=seconds, spans=_spans(evidence, mark), charts=charts)


def _spans(evidence: Evidence, mark: float) -> list[Span]:
    phases = [
        Span(kind="phase", name=name, start=start - mark, end=end - mark)
        for name, (start, end) in evidence.windows.items()
    ]
    return phases + [_fault_span(each, mark) for each in evidence.faults]


def _fault_span(fault: FaultStatus, mark: float) -> Span:
    start = fault.applied if fault.applied is not None else fault.planned_start
    end = fault.reverted if fault.reverted is not None else fault.planned_end
    detail = f"{fault.called} {fault.edge}"
    return Span(kind="fault", name=fault.name, start=start - mark, end=end - mark, detail=detail)


def _plan(evidence: Evidence) -> list[tuple[Chart, list[tuple[str, str]]]]:
    """Each chart with its (line's name, query); `{label}` in the name takes a label's value of each series."""
    run = f'run={quoted(evidence.run)},fault=""'
    lab = quoted(names.lab_namespace(evidence.scenario))
    harness = quoted(names.harness_namespace(evidence.scenario))
    outcome = f"sum(rate(faultline_load_requests_total{{{run},outcome=%s}}[2s]))"
    quantile = f"histogram_quantile(%s, sum by (le) (rate(faultline_load_latency_seconds_bucket{{{run}}}[3s])))"
    cpu = _by_service(f"rate(faultline_pod_cpu_seconds_total{{namespace={lab}}}[3s])")
    in_flight = _by_service(f"app_requests_in_flight{{namespace={lab}}}")
    return [
        (
            Chart(name="load", title="Requests by outcome", unit="requests/s"),
            [
                ("offered", f"sum(rate(faultline_load_offered_total{{{run}}}[2s]))"),
                ("ok", outcome % '"ok"'),
                ("failed", outcome % '"failed"'),
                ("unknown", outcome % '"unknown"'),
            ],
        ),
        (
            Chart(name="latency", title="Latency of answered requests", unit="s"),
            [("p50", quantile % "0.5"), ("p95", quantile % "0.95")],
        ),
        (
            Chart(name="operations", title="Answered well, by operation", unit="requests/s"),
            [("{op}", f'sum by (op) (rate(faultline_load_requests_total{{{run},outcome="ok"}}[2s]))')],
        ),
        (
            Chart(name="edges", title="Connections opened on each edge", unit="connections/s"),
            [("{edge}", f"sum by (edge) (rate(faultline_edge_connections_total{{namespace={harness}}}[2s]))")],
        ),
        (
            Chart(name="dependencies", title="Attempts that reached a dependency", unit="attempts/s"),
            [
                (
                    "{dependency}",
                    f"sum by (dependency) (rate(faultline_dependency_requests_total{{namespace={lab}}}[2s]))",
                )
            ],
        ),
        *_own_requests(evidence),
        (Chart(name="cpu", title="CPU of the lab's pods", unit="cores"), [("{service}", cpu)]),
        (Chart(name="in_flight", title="Requests in flight, by service", unit="requests"), [("{service}", in_flight)]),
    ]


def _own_requests(evidence: Evidence) -> list[tuple[Chart, list[tuple[str, str]]]]:
    """What traffic faults sent beside the clients; no chart where there was none."""
    if not any(each.type in FAULTS and FAULTS[each.type].family == "traffic" for each in evidence.faults):
        return []
    own = f'faultline_load_requests_total{{run={quoted(evidence.run)},fault!=""}}'
    chart = Chart(name="own", title="Requests of the faults' own", unit="requests/s")
    return [(chart, [("{fault} {outcome}", f"sum by (fault, outcome) (rate({own}[2s]))")])]


def _by_service(vector: str) -> str:
    """Summed over the pods of a Deployment or StatefulSet, whose names end in hashes or a number."""
    pods = "(.+?)(-[a-z0-9]{6,10}-[a-z0-9]{5}|-[0-9]+)?"
    return f'sum by (service) (label_replace({vector}, "service", "$1", "pod", "{pods}"))'


async def _chart(
    prometheus: Prometheus, chart: Chart, queries: Sequence[tuple[str, str]], mark: float, seconds: Sequence[float]
) -> Chart:
    start, end = mark + seconds[0], mark + seconds[-1]
    try:
        answers = await asyncio.gather(*(prometheus.range(query, start, end, STEP_SECONDS) for _, query in queries))
    except FaultlineError as error:
        return chart.model_copy(update={"problem": error.message})
    lines = [
        Line(label=name.format(**each.labels) if each.labels else name, values=_values(each, start, len(seconds)))
        for (name, _), answer in zip(queries, answers, strict=True)
        for each in sorted(answer, key=lambda found: sorted(found.labels.items()))
    ]
    return chart.model_copy(update={"lines": lines, "problem": "" if lines else "no data"})


def _values(series: Series, start: float, count: int) -> list[float | None]:
    """Aligned to the common seconds; JSON has no NaN, and a gap is not a 0."""
    values: list[float | None] = [None] * count
    for at, value in series.points:
        place = round((at - start) / STEP_SECONDS)
        if 0 <= place < count and math.isfinite(value):
            values[place] = round(value, 6)
    return values
