"""`faultline grade`, `report`, `compare`: what a run showed, and where points were lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faultline.cli.base import (
    EXIT_FAIL,
    EXIT_INCONCLUSIVE,
    EXIT_PASS,
    ContextOption,
    NameOption,
    Output,
    OutputOption,
    SlugArgument,
    console,
    emit,
    under_make,
)
from faultline.errors import NotFound

if TYPE_CHECKING:
    from faultline.cli._cluster import Cluster
    from faultline.cli._labs import Lab
    from faultline.cli._runs import RunView
    from faultline.report import RunRecord

JunitOption = Annotated[Path | None, typer.Option(help="also write this file, JUnit XML for pipelines")]
STATUS = {"pass": EXIT_PASS, "fail": EXIT_FAIL}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(grade)
    app.command()(report)
    app.command()(compare)


def grade(
    slug: SlugArgument = None,
    name: NameOption = None,
    queries: Annotated[bool, typer.Option(help="at the end, the PromQL of each lost point")] = True,
    junit: JunitOption = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Show the newest run of what is deployed now: score, verdict, and every lost point with its reason.

    Waits for a run that is under way, and starts one when there is none. Exit status 0 for pass, 1 for fail,
    3 for inconclusive, 2 for an error.
    """
    from faultline.cli import _diagnose, _events, _grade, _labs, _next, _record, _run_json, _runs
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import next_step
    from faultline.report import render

    cluster = Cluster.open(context)
    try:
        lab = _labs.find(cluster, slug, name)
    except NotFound as error:
        raise _with_past(error, slug) from error
    run = _newest(cluster, lab)
    _record.keep(lab, run)
    shown = _events.told(context, _record.record(run, lab.raw["spec"]["title"]))
    command = _next.after(lab, run)
    page = _record.write_report(
        f"{run.name}.html", render([shown], before=_record.before(lab, shown), next_command=command)
    )
    _grade.show(shown, run, queries=queries)
    _diagnose.settle(lab, _runs.runs(cluster, lab.name))
    _write_junit(junit, [shown])
    console.print(f"\nthe page with the charts: [bold]{_record.shown(page)}[/]")
    ending = STATUS.get(run.status.verdict or "", EXIT_INCONCLUSIVE)
    if ending and under_make():
        console.print(f"[dim]make will speak of an error: exit status {ending} says {run.status.verdict}, no more[/]")
    next_step(command)
    emit({**_run_json.as_json(run), "report": str(page), "next": command}, output)
    raise typer.Exit(ending)


def _with_past(error: NotFound, slug: str | None) -> NotFound:
    """The same error with a run that can be looked at without the lab, where there is one on this host."""
    from faultline.cli import _record

    run = _record.newest(slug) if error.code == "FL202" else None
    if run is None:
        return error
    message = f"{error.message}; its last run, {run}, is still on this machine"
    return NotFound(error.code, message, f"faultline report {run}; or {error.next_step}, for a new one")


def _write_junit(path: Path | None, records: Sequence[RunRecord]) -> None:
    from faultline.cli import _junit, _record

    if path:
        _record.write_file(path, _junit.xml(records))
        console.print(f"for pipelines: [bold]{path}[/]")


def _newest(cluster: Cluster, lab: Lab) -> RunView:
    """The newest run of what is deployed, waited for or started where need be."""
    from faultline.cli import _follow, _runs

    found = _runs.of_deployed(cluster, lab)
    if found is None:
        found = _runs.start(cluster, lab, None)
        console.print(f"no run of what is deployed now yet: starting {found.name}")
    return found if found.done else _follow.follow(cluster, lab, found)


def report(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="names of runs, see `faultline status`")],
    junit: JunitOption = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Write the HTML page of one run, or of several side by side, to reports/."""
    from faultline.cli import _events, _record
    from faultline.report import render

    records = [_events.told(context, _record.find(each, context)) for each in runs]
    page = _record.write_report(f"{'-and-'.join(runs)}.html"[-200:], render(records))
    _write_junit(junit, records)
    console.print(f"[bold]{_record.shown(page)}[/]")
    emit({"report": str(page)}, output)


def compare(
    first: Annotated[str, typer.Argument(metavar="RUN", help="name of a run, see `faultline status`")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="of the other one")],
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Show two runs side by side: success rate, latencies, recovery, score."""
    from faultline.cli import _grade, _record

    records = [_record.find(each, context) for each in (first, second)]
    _grade.show_named(records)
    emit({each.name: each.status.model_dump(mode="json", by_alias=True) for each in records}, output)
