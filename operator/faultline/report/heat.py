"""Latency as a heat map: how many requests of each second took how long, and above them those not answered well."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from faultline.report.history import Request
from faultline.report.quantity import quantity
from faultline.report.record import RunRecord
from faultline.report.svg import LEFT, WIDTH, Axis, axis, faults, scale

DECADE = 6
"""Rows for a factor of ten: each is half as high again as the one below."""
ROW, HEAD, APART = 11.0, 8.0, 12.0
FAINTEST = 0.12
BAD = ("failed", "unknown")
NOTHING = -2 * DECADE
"""The only row, which is empty, where no request was answered well."""


@dataclass(frozen=True)
class Rows:
    """The rows of several runs' maps: row `i` holds latencies from `edge(i)` to `edge(i + 1)` seconds.

    `most` is what the fullest cell of any of them holds.
    """

    lowest: int
    highest: int
    most: int

    def edge(self, row: int) -> float:
        """The least latency of a row, in seconds."""
        return 10 ** (row / DECADE)


Cells = Counter[tuple[int, int | str]]
"""Requests by second after the start and row; those that were not answered well have their outcome for a row."""


def row_of(latency: float) -> int:
    """Of a latency in seconds; below a tenth of a millisecond there is one row only."""
    # A latency of exactly an edge belongs above it, whatever the logarithm is rounded to.
    return math.floor(round(math.log10(max(latency, 1e-4)) * DECADE, 9))


def cells(requests: Sequence[Request], start: float) -> Cells:
    """`start` is in Unix seconds."""
    return Counter(
        (int(each.intended - start), row_of(each.latency) if each.outcome == "ok" else each.outcome)
        for each in requests
    )


def rows(records: Sequence[RunRecord]) -> Rows | None:
    """Rows that hold every run's requests; None when no history was kept."""
    found = [cells(each.requests, each.status.mark) for each in records if each.status.mark is not None]
    heights = [row for each in found for _, row in each if isinstance(row, int)]
    counts = [count for each in found for count in each.values()]
    if not counts:
        return None
    return Rows(min(heights, default=NOTHING), max(heights, default=NOTHING), max(counts))


def heat_map(record: RunRecord, shared: Rows) -> Markup | None:
    """One run's map as SVG, its classes those of report.css; None where its history was not kept."""
    across = axis(record)
    if across is None or not record.requests:
        return None
    found = cells(record.requests, across.start)
    bottom = HEAD + len(BAD) * ROW + APART + (shared.highest - shared.lowest + 1) * ROW
    places = {kind: HEAD + ROW * i for i, kind in enumerate(BAD)}
    places |= {str(row): bottom - ROW * (row - shared.lowest + 1) for row in range(shared.lowest, shared.highest + 1)}
    parts = [
        *faults(record, across.x, HEAD, bottom),
        *scale(across, HEAD, bottom),
        *(_mark(kind, places[kind] + ROW - 1.5) for kind in BAD),
        *_marks(shared, places, bottom),
        *(_cell(second, row, count, shared, across, places[str(row)]) for (second, row), count in sorted(
            found.items(), key=str
        )),
    ]  # fmt: skip
    name = f"Latencies of {escape(record.name)}, second by second; the lines of latency say the same in numbers"
    return Markup(  # noqa: S704 - every text in it went through escape
        f'<svg class="history heat" viewBox="0 0 {WIDTH} {bottom + 20:.0f}" role="img" aria-label="{name}">'
        f"{''.join(parts)}</svg>"
    )


def _marks(shared: Rows, places: dict[str, float], bottom: float) -> list[str]:
    """The latency at each whole factor of ten, and at half of it."""
    marks = []
    for row in range(shared.lowest, shared.highest + 2):
        if row % (DECADE // 2) == 0:
            y = places.get(str(row - 1), bottom)
            marks.append(_mark(quantity(shared.edge(row), "s"), y + 4))
    return marks


def _mark(text: str, y: float) -> str:
    return f'<text class="axis" x="{LEFT - 8}" y="{y:.1f}" text-anchor="end">{escape(text)}</text>'


def _cell(second: int, row: int | str, count: int, shared: Rows, across: Axis, y: float) -> str:
    left, right = across.x(across.start + second), across.x(across.start + second + 1)
    # Twenty requests are not to drown a single one.
    strength = FAINTEST + (1 - FAINTEST) * math.log1p(count) / math.log1p(shared.most)
    if isinstance(row, int):
        kind = "ok"
        what = f"{quantity(shared.edge(row), 's')} to {quantity(shared.edge(row + 1), 's')}"
    else:
        kind, what = row, row
    return (
        f'<rect class="{kind}" fill-opacity="{strength:.2f}" x="{left:.1f}" y="{y:.1f}" '
        f'width="{max(0.5, right - left - 0.4):.1f}" height="{ROW - 0.6:.1f}">'
        f"<title>second {second}, {escape(what)}: {count}</title></rect>"
    )
