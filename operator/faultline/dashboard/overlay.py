"""Two runs in the same charts, second by second from the start of their baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faultline.report import RunRecord

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
    length = max((len(each.series.seconds) for each in records if each.series), default=0)
    longest = next((each.series for each in records if each.series and len(each.series.seconds) == length), None)
    found = []
    for name, (title, unit, parts) in _LINES.items():
        lines = [_line(each, parts, length) for each in records]
        if any(value is not None for line in lines for value in line):
            found.append({"name": name, "title": title, "unit": unit, "lines": lines})
    return {
        "labels": [
            each.variant if each.status.score is None else f"{each.variant}, {each.status.score}" for each in records
        ],
        "seconds": longest.seconds if longest else [],
        "spans": [each.model_dump() for each in longest.spans] if longest else [],
        "charts": found,
    }


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
