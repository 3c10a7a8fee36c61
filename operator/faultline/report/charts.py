"""The page's charts as data: aligned lines, shaded spans, one vertical scale for the same chart of all runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from faultline.grading.series import Chart, Line, RunSeries
from faultline.report.record import RunRecord

ORDER = ("load", "latency", "operations", "dependencies", "edges", "in_flight", "cpu")
STACKED = ("load",)
OVERLAY = "offered"
"""Drawn over the stack, not in it."""


def payload(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """One entry for each chart that any run has: title, unit, top of the scale, and a panel for each run."""
    return [_entry(name, records) for name in _names(records)]


def _names(records: Sequence[RunRecord]) -> list[str]:
    found = {chart.name for record in records if record.series for chart in record.series.charts}
    return [name for name in ORDER if name in found] + sorted(found - set(ORDER))


def _entry(name: str, records: Sequence[RunRecord]) -> dict[str, Any]:
    charts = [_chart(record, name) for record in records]
    known = next(chart for chart in charts if chart)
    labels = sorted({line.label for chart in charts if chart for line in chart.lines})
    if name in ("load", "latency"):  # in the order of the plan: it carries meaning
        labels = [line.label for line in known.lines]
    stacked = name in STACKED
    return {
        "name": name,
        "title": known.title,
        "unit": known.unit,
        "stacked": stacked,
        "labels": labels,
        "top": max((_top(chart, stacked) for chart in charts if chart), default=1.0) or 1.0,
        "panels": [_panel(record, chart, labels) for record, chart in zip(records, charts, strict=True)],
    }


def _chart(record: RunRecord, name: str) -> Chart | None:
    charts = record.series.charts if record.series else []
    return next((chart for chart in charts if chart.name == name), None)


def _top(chart: Chart, stacked: bool) -> float:
    columns = list(zip(*(line.values for line in chart.lines if line.label != OVERLAY), strict=True))
    heights = [sum(_known(each)) if stacked else max(_known(each), default=0.0) for each in columns]
    overlay = [value for line in chart.lines if line.label == OVERLAY for value in _known(line.values)]
    return max([*heights, *overlay], default=0.0)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _panel(record: RunRecord, chart: Chart | None, labels: Sequence[str]) -> dict[str, Any]:
    series = record.series
    if series is None or chart is None or not chart.lines:
        return {"run": record.name, "problem": (chart.problem if chart else "") or "no series were kept for this run"}
    by_label = {line.label: line.values for line in chart.lines}
    blank: list[float | None] = [None] * len(series.seconds)
    return {
        "run": record.name,
        "problem": "",
        "seconds": series.seconds,
        "lines": [by_label.get(label, blank) for label in labels],
        "spans": [span.model_dump() for span in series.spans],
        "table": table(series, [Line(label=label, values=by_label.get(label, blank)) for label in labels]),
    }


def table(series: RunSeries, lines: Sequence[Line]) -> dict[str, Any]:
    """The mean of each line in each phase: what a chart shows, for those who cannot see it."""
    phases = [span for span in series.spans if span.kind == "phase"]
    rows = []
    for line in lines:
        cells = []
        for phase in phases:
            values = [
                value
                for at, value in zip(series.seconds, line.values, strict=True)
                if value is not None and phase.start <= at < phase.end
            ]
            cells.append(sum(values) / len(values) if values else None)
        rows.append({"label": line.label, "cells": cells})
    return {"phases": [phase.name for phase in phases], "rows": rows}
