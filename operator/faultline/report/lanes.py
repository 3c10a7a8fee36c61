"""The time line of a run as one picture: phases, load, faults, operations, objectives and what the app went through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from faultline.api.run import FaultStatus, ObjectiveStatus
from faultline.report import history
from faultline.report.history import DRAWN, Request
from faultline.report.impact import impact
from faultline.report.record import RunRecord
from faultline.report.svg import LEFT, LETTER, RIGHT, WIDTH, Axis, axis, faults, label, really, scale
from faultline.report.text import expected, seen

LANE, HEAD, TITLE, LOAD = 20, 22, 24, 46


@dataclass(frozen=True)
class Second:
    """The requests of one operation that were meant to start within a second, which `at` is the beginning of."""

    at: float
    requests: int
    well: int


def seconds(requests: Sequence[Request], start: float) -> list[Second]:
    """Requests by whole seconds after `start` (Unix seconds); seconds without any are left out."""
    counts: dict[int, list[int]] = {}
    for each in requests:
        count = counts.setdefault(int(each.intended - start), [0, 0])
        count[0] += 1
        count[1] += each.outcome == "ok"
    return [Second(start + at, *counts[at]) for at in sorted(counts)]


def lanes(record: RunRecord) -> Markup | None:
    """The time line as SVG, its classes those of report.css; None for a run whose load never began or ended.

    Where no history was kept, its load and operations are left out.
    """
    across = axis(record)
    if across is None:
        return None
    picture = _Picture(across, record)
    picture.section("Load", [_load] if record.requests else [])
    picture.section("Faults", [_fault(each) for each in record.status.faults if each.type != "none"])
    operations = history.operations(record.requests).items()
    picture.section("Answered well, each second", [_operation(*each) for each in operations])
    picture.section("Objectives, over what they look at", [_objective(each) for each in record.status.objectives])
    picture.section("The app", [_app(who) for who in dict.fromkeys(each.who for each in record.events or [])])
    return picture.drawn()


Lane = Callable[["_Picture", float], tuple[list[str], float]]
"""Draws itself from a height on; gives its parts and how high it is."""


class _Picture:
    def __init__(self, across: Axis, record: RunRecord) -> None:
        self.axis = across
        self.record = record
        self._parts: list[str] = []
        self._y = float(HEAD)

    def section(self, title: str, drawn: Sequence[Lane]) -> None:
        """A title and its lanes; nothing at all without any."""
        if not drawn:
            return
        self._parts.append(f'<text class="title" x="0" y="{self._y + TITLE - 8:.1f}">{escape(title)}</text>')
        self._y += TITLE
        for lane in drawn:
            parts, height = lane(self, self._y)
            self._parts += parts
            self._y += height

    def drawn(self) -> Markup:
        """The whole, bands and axis first so that they lie behind."""
        bottom = self._y + 6
        behind = [
            *faults(self.record, self.axis.x, HEAD, bottom),
            *scale(self.axis, HEAD, bottom),
            *self._phases(bottom),
        ]
        name = f"Time line of {escape(self.record.name)}; the same stands in the table below"
        return Markup(  # noqa: S704 - every text in it went through escape
            f'<svg class="history lanes" viewBox="0 0 {WIDTH} {bottom + 20:.0f}" role="img" aria-label="{name}">'
            f"{''.join([*behind, *self._parts])}</svg>"
        )

    def _phases(self, bottom: float) -> list[str]:
        parts = []
        for name in DRAWN:
            window = self.record.window(name)
            if window:
                left = self.axis.x(window[0])
                parts.append(f'<line class="phase" x1="{left:.1f}" x2="{left:.1f}" y1="4" y2="{bottom:.1f}"/>')
                if left + 4 + LETTER * len(name) <= WIDTH:
                    parts.append(f'<text class="axis" x="{left + 4:.1f}" y="14">{escape(name)}</text>')
        return parts


def _load(picture: _Picture, y: float) -> tuple[list[str], float]:
    """Requests a second: those answered well below, the rest above them."""
    found = seconds(picture.record.requests, picture.axis.start)
    top = max(each.requests for each in found)
    height = LOAD - 8
    parts = [label(f"requests, {top}/s at most", y + LOAD / 2)]
    for each in found:
        left, right = picture.axis.x(each.at), picture.axis.x(each.at + 1)
        well, all_ = height * each.well / top, height * each.requests / top
        said = f"<title>second {each.at - picture.axis.start:.0f}: {each.well} of {each.requests} answered well</title>"
        for kind, lower, upper in (("ok", 0.0, well), ("failed", well, all_)):
            if upper > lower:
                parts.append(
                    f'<rect class="{kind}" x="{left:.1f}" y="{y + height - upper:.1f}" '
                    f'width="{max(0.5, right - left - 0.6):.1f}" height="{upper - lower:.1f}">{said}</rect>'
                )
    return parts, LOAD


def _fault(fault: FaultStatus) -> Lane:
    def draw(picture: _Picture, y: float) -> tuple[list[str], float]:
        text = f"{fault.called} {fault.edge or fault.target}".strip()
        start, end = really(fault.applied, fault.planned_start), really(fault.reverted, fault.planned_end)
        return [label(fault.name, y + 14), *_bar("on", picture.axis, start, end, y, text)], LANE

    return draw


def _operation(name: str, requests: Sequence[Request]) -> Lane:
    def draw(picture: _Picture, y: float) -> tuple[list[str], float]:
        parts = [label(name, y + 14)]
        for each in seconds(requests, picture.axis.start):
            left, right = picture.axis.x(each.at), picture.axis.x(each.at + 1)
            bad = 1 - each.well / each.requests
            # A single bad request of many has to be seen as well.
            kind = f'class="failed" fill-opacity="{0.25 + 0.75 * bad:.2f}"' if bad else 'class="ok" fill-opacity="0.3"'
            parts.append(
                f'<rect {kind} x="{left:.1f}" y="{y + 3:.1f}" width="{max(0.5, right - left - 0.6):.1f}" '
                f'height="{LANE - 6}"><title>{escape(name)}, second {each.at - picture.axis.start:.0f}: '
                f"{each.well} of {each.requests} answered well</title></rect>"
            )
        return parts, LANE

    return draw


def _objective(objective: ObjectiveStatus) -> Lane:
    def draw(picture: _Picture, y: float) -> tuple[list[str], float]:
        kind = "met" if objective.met else "missed" if objective.value is not None else "unseen"
        mark = {"met": "✓", "missed": "✕", "unseen": "?"}[kind]
        said = f"{mark} {seen(objective)}"
        parts = [label(objective.name, y + 14)]
        for place, (start, end) in enumerate(looked_at(objective, picture.record, picture.axis)):
            title = f"{objective.name}: {seen(objective)}, expected {expected(objective)}"
            parts += _bar(kind, picture.axis, start, end, y, said if place == 0 else "", title)
        return parts, LANE

    return draw


def looked_at(objective: ObjectiveStatus, record: RunRecord, across: Axis) -> list[tuple[float, float]]:
    """The times (Unix seconds) that an objective's window names: phases, the time after a fault, else the whole run."""
    words = objective.window.split(", ")
    if words and all(each in DRAWN for each in words):
        return _joined([window for each in words if (window := record.window(each))])
    recovery = record.window("recovery")
    real = [each for each in record.status.faults if each.type != "none"]
    if recovery and real and objective.window.startswith("end of the last fault"):
        return [(max(each.planned_end for each in real), recovery[1])]
    if recovery and real and objective.window.startswith("start of "):
        named = [each for each in real if objective.window.startswith(f"start of {each.name} to ")]
        return [(min(each.planned_start for each in named or real), recovery[1])]
    return [(across.start, across.end)]


def _joined(windows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Neighbours as one."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(windows):
        if found and start - found[-1][1] < 0.5:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _app(who: str) -> Lane:
    def draw(picture: _Picture, y: float) -> tuple[list[str], float]:
        parts = [label(who, y + 14)]
        for each in picture.record.events or []:
            if each.who == who:
                at = each.at - picture.axis.start
                end = each.at if each.until is None else each.until
                title = f"{at:.0f} s" + (f" to {end - picture.axis.start:.0f} s" if end > each.at else "")
                title += f": {each.what}"
                parts += _bar("event", picture.axis, each.at, end, y, "", title)
        return parts, LANE

    return draw


def _bar(kind: str, across: Axis, start: float, end: float, y: float, text: str, title: str = "") -> list[str]:
    """A bar from one moment to the other, at least as wide as can be seen, with its text in it or beside it."""
    left = min(across.x(start), WIDTH - RIGHT - 4)
    width = max(4.0, across.x(end) - left)
    parts = [
        f'<rect class="{kind}" x="{left:.1f}" y="{y + 3:.1f}" width="{width:.1f}" height="{LANE - 6}">'
        f"<title>{escape(title or text)}</title></rect>"
    ]
    if text:
        room = WIDTH - RIGHT - left - 6
        wide = LETTER * len(text)
        x = left + 5 if wide <= room else max(LEFT, WIDTH - RIGHT - wide)
        parts.append(f'<text class="said" x="{x:.1f}" y="{y + 14:.1f}">{escape(text)}</text>')
    return parts


@dataclass(frozen=True)
class Moment:
    """A line of the time line in words; `at` in seconds after the load began."""

    at: float
    until: float | None
    what: str


def moments(record: RunRecord) -> list[Moment]:
    """Faults, what each operation lost from when to when, and events of the app, in the order of time."""
    mark = record.status.mark
    if mark is None:
        return []
    found = []
    for fault in (each for each in record.status.faults if each.type != "none"):
        where = fault.edge or fault.target
        start, end = really(fault.applied, fault.planned_start), really(fault.reverted, fault.planned_end)
        what = f"fault {fault.name}: {fault.called}{f' on {where}' if where else ''}"
        found.append(Moment(start - mark, end - mark, what))
    for loss in impact(record)[1:]:
        what = f"{loss.name}: {loss.lost} of {loss.requests} requests of the run not answered well"
        found.append(Moment(loss.first - mark, loss.last - mark, what))
    for event in record.events or []:
        until = event.until - mark if event.until is not None and event.until > event.at else None
        found.append(Moment(event.at - mark, until, f"{event.who} {event.what}"))
    return sorted(found, key=lambda each: (each.at, each.what))
