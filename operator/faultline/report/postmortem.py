"""The draft of a post-mortem: all that a run knows of its incident, with room for what only its reader can say."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import jinja2

from faultline.report.impact import impact
from faultline.report.lanes import moments
from faultline.report.quantity import quantity
from faultline.report.record import RunRecord
from faultline.report.text import expected, gist, lost_points, reasons, seen

TEMPLATES = Path(__file__).parent / "templates"


def post_mortem(record: RunRecord) -> str:
    """Markdown. It never says why the app behaved as it did: that is what the reader is here for."""
    return (
        _environment()
        .get_template("post-mortem.md.j2")
        .render(
            record=record,
            title=record.title or record.spec.scenario,
            day=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(record.status.mark)) if record.status.mark else "",
            gist=gist(record),
            reasons=reasons(record) if record.status.verdict == "inconclusive" else [],
            impact=impact(record),
            moments=moments(record),
            alerts=[each for each in record.events or [] if each.what.startswith("the alert ")],
            violated=[each for each in record.status.checks if each.result == "violated"],
            kept=[each for each in record.status.objectives if each.met],
            lost=lost_points(record),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    # Markdown, which the page escapes as a whole.
    environment = jinja2.Environment(  # noqa: S701
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(expected=expected, seen=seen)
    environment.filters.update(cell=_cell, at=_at, quantity=quantity)
    return environment


def _cell(text: str) -> str:
    """In a table of Markdown a bar ends the cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def _at(seconds: float) -> str:
    return f"{seconds:.1f}"
