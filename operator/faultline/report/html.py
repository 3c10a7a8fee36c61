"""The page: self-contained, works offline, asks nobody for anything (its content security policy allows nothing)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from faultline.api.run import PASS_MARK, ObjectiveStatus
from faultline.errors import InvalidInput
from faultline.report import heat, overlay
from faultline.report.charts import payload
from faultline.report.lanes import lanes, moments
from faultline.report.postmortem import post_mortem
from faultline.report.quantity import quantity
from faultline.report.record import RunRecord
from faultline.report.text import check_gist, comparison, expected, gist, lost_points, measure_title, reasons, seen
from faultline.report.timeline import picture, rows
from faultline.report.timing import fault_rows

HERE = Path(__file__).parent
STATIC = HERE / "static"
"""uPlot, and the page's own styles and script."""


def render(
    records: Sequence[RunRecord],
    *,
    before: Sequence[RunRecord] = (),
    next_command: str = "",
    links: Sequence[tuple[str, str]] = (),
) -> str:
    """One HTML page for one run, or for several side by side in the order given.

    `before` are runs that these are drawn over, second by second, and that the page says nothing else of.
    `next_command` is what to type next, `links` (address, text) lead back to where it is shown. Raises InvalidInput
    (FL172) when there is no run, (FL171) for a run whose history is broken.
    """
    if not records:
        raise InvalidInput("FL172", "a report needs at least one run, got none", "`faultline status` lists the runs")
    over = [*before, *records]
    overlaid = overlay.panels(over)
    charts = payload(records)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            records=records,
            rows=comparison(records),
            objectives=_objectives(records),
            charts=charts,
            overlaid=overlaid,
            over=over,
            drawn=[*charts, *overlaid],
            heat_rows=heat.rows(records),
            next_command=next_command,
            links=links,
            pass_mark=PASS_MARK,
        )
    )


def _objectives(records: Sequence[RunRecord]) -> list[tuple[str, list[ObjectiveStatus | None]]]:
    """Each objective's name with its status in each run; runs of a changed scenario may not have it."""
    names = dict.fromkeys(each.name for record in records for each in record.status.objectives)
    found = [{each.name: each for each in record.status.objectives} for record in records]
    return [(name, [each.get(name) for each in found]) for name in names]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        static=_static,
        expected=expected,
        seen=seen,
        gist=gist,
        lost_points=lost_points,
        fault_rows=fault_rows,
        picture=picture,
        operation_rows=rows,
        check_gist=check_gist,
        moment=_moment,
        lanes=lanes,
        moments=moments,
        heat_map=heat.heat_map,
        post_mortem=post_mortem,
        reasons=reasons,
    )
    environment.filters.update(quantity=quantity, measure_title=measure_title, points=lambda value: f"{value:.3g}")
    return environment


def _static(name: str) -> Markup:
    """A file of ours to be inlined as it is."""
    return Markup((STATIC / name).read_text())  # noqa: S704 - our own file, not anybody's input


def _moment(at: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) if at else "not started"
