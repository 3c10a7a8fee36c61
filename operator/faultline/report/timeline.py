"""A counter-example as rows and as a picture: each operation a bar on one time line, with idle time cut short."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from faultline.api.run import CounterExample, SeenOperation
from faultline.report.record import RunRecord
from faultline.report.svg import faults

WIDTH, ROW, TOP, LEFT, RIGHT = 980, 46, 30, 16, 16
BAR = 12
LEAST = 10.0
"""Width of the shortest bar: an operation of a millisecond has to be seen."""
GAP = 46.0
"""Width of idle time, whatever its length, which is written into it; more where nothing else takes room."""
IDLE_SHARE = 0.35
"""Time without any operation is cut short when it is longer than this share of all time with one."""
LETTER, SMALL_LETTER = 7.9, 7.3
"""Width of a letter in report.css's 13 and 12 pixels, in the widest of its fonts."""
FINAL_READS = "final_reads"


@dataclass(frozen=True)
class OperationRow:
    """One operation in words; `start` and `end` in seconds after the load began, as texts."""

    start: str
    end: str
    who: str
    what: str
    outcome: str
    note: str


def rows(example: CounterExample, record: RunRecord) -> list[OperationRow]:
    """The operations of a counter-example in the order of time."""
    mark = record.status.mark or 0.0
    return [
        OperationRow(
            start=f"{each.start - mark:.3f} s",
            end="?" if each.end is None else f"{each.end - mark:.3f} s",
            who=_who(each),
            what=what(each),
            outcome=each.outcome if each.status in (None, 0) else f"{each.outcome} ({each.status})",
            note=each.note,
        )
        for each in example.operations
    ]


def what(operation: SeenOperation) -> str:
    """Operation, key, what it brought and what it got: `put k1 ← 7`, `get k1 → nothing`."""
    text = f"{operation.op} {operation.key}".strip()
    if operation.value:
        text += f" ← {operation.value}"
    if operation.token is not None:
        text += f" (token {operation.token:g})"
    if operation.outcome == "ok" and (operation.result not in ("", "null") or not operation.value):
        text += f" → {'nothing' if operation.result in ('', 'null') else operation.result}"
    return text


def _who(operation: SeenOperation) -> str:
    who = "final read" if operation.phase == FINAL_READS else operation.session
    return f"{who} at {operation.site}" if operation.site else who


class Scale:
    """Seconds to pixels: time with operations is drawn to scale, idle time as a gap of one width."""

    def __init__(self, spans: Sequence[tuple[float, float]]) -> None:
        points = sorted({point for span in spans for point in span})
        pieces = [(a, b, any(start <= a and b <= end for start, end in spans)) for a, b in pairwise(points)]
        busy = sum(b - a for a, b, used in pieces if used)
        cut = [(a, b) for a, b, used in pieces if not used and b - a > IDLE_SHARE * busy]
        room = WIDTH - LEFT - RIGHT - LEAST
        self.gap = GAP if busy else room / (len(cut) + 1)
        room -= self.gap * len(cut)
        drawn = sum(b - a for a, b, _ in pieces) - sum(b - a for a, b in cut) or 1e-6
        self.gaps: list[tuple[float, float, float]] = []
        """Where each gap begins (pixels), and the seconds that it leaves out: from, to."""
        self._places = {points[0]: float(LEFT)} if points else {}
        at = float(LEFT)
        for a, b, _ in pieces:
            if (a, b) in cut:
                self.gaps.append((at + LEAST, a, b))
                at += self.gap
            else:
                at += room * (b - a) / drawn
            self._places[b] = at

    def x(self, point: float) -> float:
        """Of any moment; what lies outside is at the edge."""
        points = list(self._places)
        place = bisect_left(points, point)
        if place == len(points):
            return self._places[points[-1]]
        if place == 0 or points[place] == point:
            return self._places[points[place]]
        before, after = points[place - 1], points[place]
        share = (point - before) / (after - before)
        return self._places[before] + share * (self._places[after] - self._places[before])


def picture(example: CounterExample, record: RunRecord) -> Markup:
    """The time line as SVG; its classes are those of report.css. What it shows stands in `rows` as well."""
    operations = example.operations
    mark = record.status.mark or 0.0
    last = max((each.end or each.start for each in operations), default=0.0)
    # One without an end would leave no idle time to cut short.
    scale = Scale([(each.start, each.start if each.end is None else each.end) for each in operations])
    height = TOP + ROW * len(operations) + 28
    parts = [
        f'<svg class="history" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(example.text)}">',
        *faults(record, scale.x, 18, height - 22),
        *(_gap(place, scale.gap, end - begin, height) for place, begin, end in scale.gaps),
        *(_bar(each, TOP + ROW * place, scale, last) for place, each in enumerate(operations)),
        *_axis(operations, scale, mark, last, height),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 - every text in it went through escape


def _bar(operation: SeenOperation, top: float, scale: Scale, last: float) -> str:
    left = scale.x(operation.start)
    right = scale.x(last if operation.end is None else operation.end)
    width = max(right - left, LEAST)
    kind = operation.outcome if operation.end is not None else "unknown open"
    said, note = what(operation), f" — {operation.note}" if operation.note else ""
    who = f"{_who(operation)}, {operation.outcome}"
    return (
        f'<text {_inside(left, LETTER * len(said + note))} y="{top + 12:.1f}">'
        f'<tspan class="what">{escape(said)}</tspan>{escape(note)}</text>'
        f'<rect class="{kind}" x="{left:.1f}" y="{top + 19:.1f}" width="{width:.1f}" height="{BAR}" rx="3"/>'
        f'<text class="who" {_inside(left, SMALL_LETTER * len(who))} y="{top + 42:.1f}">{escape(who)}</text>'
    )


def _inside(left: float, width: float) -> str:
    """Where a text of so many pixels begins: at its bar, or as far before it as it takes to be seen to its end."""
    room = WIDTH - LEFT - RIGHT
    if width > room:
        return f'x="{LEFT}" textLength="{room}" lengthAdjust="spacingAndGlyphs"'
    return f'x="{min(left, LEFT + room - width):.1f}"'


def _gap(place: float, width: float, seconds: float, height: int) -> str:
    middle = place + (width - LEAST) / 2
    return (
        f'<line class="gap" x1="{middle:.1f}" x2="{middle:.1f}" y1="{TOP - 12}" y2="{height - 26}"/>'
        f'<text class="gap" x="{middle:.1f}" y="12" text-anchor="middle">{_length(seconds)} later</text>'
    )


def _axis(operations: Sequence[SeenOperation], scale: Scale, mark: float, last: float, height: int) -> list[str]:
    """The moments of the first start, of each side of a gap, and of the last end."""
    if not operations:
        return []
    first = min(each.start for each in operations)
    moments = {moment: side for _, begin, end in scale.gaps for moment, side in ((begin, "end"), (end, "start"))}
    # A text grows to where there is room; with an operation that took no time a gap begins or ends there as well.
    moments |= {last: "end", first: "start"}
    placed, texts = -100.0, []
    for moment, anchor in sorted(moments.items()):
        x = scale.x(moment)
        wide = SMALL_LETTER * len(text := f"{moment - mark:.3f} s")
        if anchor == "start" and x + wide > WIDTH:
            anchor, x = "end", WIDTH
        begins = x if anchor == "start" else x - wide
        if begins < placed + 6:
            continue
        placed = begins + wide
        texts.append(f'<text class="axis" x="{x:.1f}" y="{height - 8}" text-anchor="{anchor}">{text}</text>')
    line = f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height - 22}" y2="{height - 22}"/>'
    return [line, *texts]


def _length(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.3g} s"
