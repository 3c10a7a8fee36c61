"""Setting the machine up and taking it down: up, doctor, down, clean."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from faultline.cli.base import ContextOption, Output, OutputOption, console, emit
from faultline.errors import InvalidInput

if TYPE_CHECKING:
    from faultline.host.process import Log
    from faultline.host.steps import Done

_MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "problem": "[red]✗[/]"}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(up)
    app.command(hidden=True)(tools)
    app.command()(doctor)
    app.command()(down)
    app.command()(clean)


def up(
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
    registry: Annotated[
        str, typer.Option(envvar="FAULTLINE_PUSH", help="with --context: where that cluster pulls images from")
    ] = "",
) -> None:
    """Set everything up: Docker engine, images, cluster, platform. What is there already is skipped."""
    from faultline.host.home import Home
    from faultline.host.steps import Step
    from faultline.host.up import up as run_up
    from faultline.host.up import up_elsewhere

    home = Home.from_environment()
    catalogue = Step("catalogue", "Scenarios", lambda log: _scenarios(log, context))
    if context:
        _require_own(context, registry)
        results = up_elsewhere(home, console, context, registry, [catalogue])
    else:
        results = run_up(home, console, [catalogue])
    seconds = sum(result.seconds for result in results)
    console.print(f"\nup in {seconds:.0f} s. Next: [bold]make apply S=circuit-breakers[/]")
    emit({"seconds": round(seconds, 1), "steps": [asdict(result) for result in results]}, output)


def _require_own(context: str, registry: str) -> None:
    """Refuse early what would fail late: a context that is not there, images that its nodes cannot get."""
    from faultline.cli._cluster import Cluster

    Cluster.open(context)
    if not registry:
        raise InvalidInput(
            "FL145",
            f"the nodes of {context} pull images from a registry, and none is named",
            f"faultline up --context {context} --registry HOST/PATH (one that you may push to)",
        )


def _scenarios(log: Log, context: str | None) -> Done:
    """Bring the scenario folders of this checkout into the cluster."""
    from faultline import catalogue
    from faultline.cli import _progress, _publish
    from faultline.cli._cluster import Cluster
    from faultline.host.home import REPO
    from faultline.host.steps import Done

    root = REPO / "scenarios"
    cluster = Cluster.open(context)
    changed = _publish.folders(cluster, root)
    _progress.sync(cluster)
    for slug in changed:
        log.line(f"published {slug}")
    count = len(catalogue.folders(root))
    return Done(f"{len(changed)} published, {count - len(changed)} unchanged", skipped=not changed)


def tools(names: Annotated[list[str], typer.Argument(help="kind, helm, kubectl, toxiproxy-server")]) -> None:
    """Bring pinned programs alone, for checks that need no cluster."""
    from faultline.host.home import Home
    from faultline.host.up import bring_tools

    bring_tools(Home.from_environment(), console, names)


def doctor(
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
    cluster: Annotated[bool, typer.Option("--cluster", help="test what the cluster can do, too")] = False,
) -> None:
    """Check the host: what was found, what it means, what to do. Exit status 1 when there is a problem."""
    from rich.markup import escape

    from faultline.host.doctor import check_host
    from faultline.host.home import Home

    home = Home.from_environment()
    findings = check_host(home)
    if cluster or context:
        from faultline.host.capability import check_cluster

        findings += check_cluster(home, context)
    for finding in findings:
        console.print(
            f"{_MARKS[finding.state]} [bold]{escape(finding.name)}[/]: {escape(finding.found)}", soft_wrap=True
        )
        if finding.meaning:
            console.print(f"    {escape(finding.meaning)}", soft_wrap=True)
        if finding.next_step and finding.state != "ok":
            console.print(f"    do: {escape(finding.next_step)}", soft_wrap=True)
    emit([asdict(finding) for finding in findings], output)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def down(output: OutputOption = Output.TEXT) -> None:
    """Remove the cluster and leave nothing running. An engine that was there before stays."""
    from faultline.host.down import down as run_down
    from faultline.host.home import Home

    emit(run_down(Home.from_environment(), console), output)


def clean(output: OutputOption = Output.TEXT) -> None:
    """`down`, and remove images, tools and caches too. Runs and progress are kept."""
    from faultline.host.down import clean as run_clean
    from faultline.host.home import Home

    emit(run_clean(Home.from_environment(), console), output)
