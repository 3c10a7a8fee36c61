"""What the pictures of a report share: seconds of a run across a fixed width, texts that fit, the marks of its axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import escape

from faultline.report.record import RunRecord

WIDTH, LEFT, RIGHT = 980, 296, 12
LETTER = 6.5
"""Width of a letter in report.css's 12 pixels, in the widest of its fonts."""
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)


@dataclass(frozen=True)
class Axis:
    """Unix seconds `start` to `end` over the width right of the labels."""

    start: float
    end: float

    def x(self, at: float) -> float:
        """Of any moment; what lies outside is at the edge."""
        share = (at - self.start) / (self.end - self.start)
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, share))

    def ticks(self) -> list[float]:
        """Seconds after the start, ten of them or fewer."""
        length = self.end - self.start
        step = next((each for each in TICKS if length / each <= 10), TICKS[-1])
        return [float(step * i) for i in range(int(length / step) + 1)]


def axis(record: RunRecord) -> Axis | None:
    """That of a run; None when its load never ended, or was never begun."""
    return Axis(*record.span) if record.span and record.span[1] > record.span[0] else None


def scale(axis: Axis, top: float, bottom: float) -> list[str]:
    """The seconds below, and a fine line through the picture at each."""
    marks = []
    for each in axis.ticks():
        x = axis.x(axis.start + each)
        marks.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>')
        marks.append(f'<text class="axis" x="{x:.1f}" y="{bottom + 14:.1f}" text-anchor="middle">{each:g} s</text>')
    return marks


def faults(record: RunRecord, x: Callable[[float], float], top: float, bottom: float) -> list[str]:
    """A band for each fault as it really was; `x` is where a moment (Unix seconds) is drawn."""
    bands = []
    for each in record.status.faults:
        start, end = really(each.applied, each.planned_start), really(each.reverted, each.planned_end)
        left, right = x(start), x(end)
        if each.type != "none" and right > left:
            title = f"{each.name} is on: {each.called} {each.edge or each.target}"
            bands.append(
                f'<rect class="fault" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{bottom - top:.1f}"><title>{escape(title)}</title></rect>'
            )
    return bands


def really(seen: float | None, planned: float) -> float:
    """When it was, or was to be."""
    return planned if seen is None else seen


def label(text: str, y: float) -> str:
    """A lane's name in the margin, cut where it is too long; the whole of it is its title."""
    room = int((LEFT - 12) / LETTER)
    short = text if len(text) <= room else f"{text[: room - 1]}…"
    return f'<text class="who" x="0" y="{y:.1f}">{escape(short)}<title>{escape(text)}</title></text>'
