"""Two runs in the same charts, second by second from the start of their baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faultline.grading.series import Line, RunSeries
from faultline.report.charts import table
from faultline.report.record import RunRecord

_LINES: dict[str, tuple[str, str, Sequence[tuple[str, tuple[str, ...]]]]] = {
    "ok": ("Answered well", "/s", (("load", ("ok",)),)),
    "bad": ("Failed or unknown", "/s", (("load", ("failed", "unknown")),)),
    "p50": ("Latency, median", "s", (("latency", ("p50",)),)),
    "p95": ("Latency, 95th percentile", "s", (("latency", ("p95",)),)),
    "dependencies": ("Attempts at dependencies", "/s", (("dependencies", ()),)),
    "edges": ("Connections opened, all edges", "/s", (("edges", ()),)),
    "in_flight": ("Requests in flight, all services", "requests", (("in_flight", ()),)),
    "cpu": ("CPU, all pods", "cores", (("cpu", ()),)),
}
"""Each chart's title, unit, and what is summed for its line: lines of a chart of the record, or all of them."""


def charts(records: Sequence[RunRecord]) -> dict[str, Any]:
    """One line for each run in each chart, and the spans of the phases and faults of the first that has any."""
    longest = _longest(records)
    length = len(longest.seconds) if longest else 0
    found = []
    for name, (title, unit, parts) in _LINES.items():
        lines = [_line(each, parts, length) for each in records]
        if any(value is not None for line in lines for value in line):
            found.append({"name": name, "title": title, "unit": unit, "lines": lines})
    return {
        "labels": _labels(records),
        "seconds": longest.seconds if longest else [],
        "spans": [each.model_dump() for each in longest.spans] if longest else [],
        "charts": found,
    }


def _labels(records: Sequence[RunRecord]) -> list[str]:
    """Whose code each was, and its score; with the run's name where that tells no two of them apart."""
    plain = [each.variant if each.status.score is None else f"{each.variant}, {each.status.score}" for each in records]
    return [
        label if plain.count(label) == 1 else f"{label} ({each.name})"
        for label, each in zip(plain, records, strict=True)
    ]


def _longest(records: Sequence[RunRecord]) -> RunSeries | None:
    return max((each.series for each in records if each.series), key=lambda each: len(each.seconds), default=None)


def panels(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """The same as entries of a report's `charts`: one panel each, a line for each run.

    None at all unless two of the runs have series.
    """
    longest = _longest(records)
    if longest is None or sum(each.series is not None for each in records) < 2:
        return []
    labels = _labels(records)
    return [
        {
            "name": f"overlay-{each['name']}",
            "title": each["title"],
            "unit": each["unit"],
            "stacked": False,
            "labels": labels,
            "top": max((value for line in each["lines"] for value in line if value is not None), default=1.0) or 1.0,
            "panels": [
                {
                    "run": ", ".join(record.name for record in records),
                    "problem": "",
                    "seconds": longest.seconds,
                    "lines": each["lines"],
                    "spans": [span.model_dump() for span in longest.spans],
                    "table": table(
                        longest,
                        [Line(label=label, values=line) for label, line in zip(labels, each["lines"], strict=True)],
                    ),
                }
            ],
        }
        for each in charts(records)["charts"]
    ]


def _line(record: RunRecord, parts: Sequence[tuple[str, tuple[str, ...]]], length: int) -> list[float | None]:
    values: list[float | None] = [None] * length
    for chart in record.series.charts if record.series else []:
        for name, labels in parts:
            if chart.name != name:
                continue
            for line in chart.lines:
                if labels and line.label not in labels:
                    continue
                for place, value in enumerate(line.values):
                    if value is not None:
                        values[place] = round((values[place] or 0.0) + value, 6)
    return values
