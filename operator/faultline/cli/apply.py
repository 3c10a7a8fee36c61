"""`faultline apply`, `delete`: labs come and go."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from faultline.cli.base import (
    ContextOption,
    NameOption,
    Output,
    OutputOption,
    ScenarioArgument,
    SlugArgument,
    confirm,
    console,
    emit,
)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(apply)
    app.command()(delete)


def apply(
    slug: ScenarioArgument = None,
    name: NameOption = None,
    wait: Annotated[bool, typer.Option(help="until the lab is Ready")] = True,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Deploy a scenario's lab, and make your workspace from its code the first time.

    The same as `kubectl apply -f scenarios/SLUG/scenario.yaml`; either can follow the other.
    """
    from faultline import workspace
    from faultline.cli import _deploy, _labs, _next, _runs
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import Line, duration, next_step
    from faultline.host.home import Home
    from faultline.progress import Store

    began = time.monotonic()
    if slug:
        _labs.scenario_folder(slug)
    cluster = Cluster.open(context)
    slug = slug or _labs.only_slug(cluster)
    lab = _deploy.apply(cluster, slug, name or slug)
    made = workspace.create(slug, _labs.scenario_folder(slug) / "app")
    if lab.is_own and lab.name == slug:
        Store(Home.from_environment().root).started(slug, time.time())
    if made:
        console.print(f"your code: [bold]{workspace.shown(slug)}[/] (made from the flawed app, never overwritten)")
    if wait:
        with Line() as line:
            lab = _deploy.wait_ready(cluster, lab.name, line)
        console.print(f"[green]✓[/] {lab.name} is Ready after {duration(time.monotonic() - began)}")
    console.print(f"  {lab.raw['spec']['title']}  [dim]the lesson: scenarios/{slug}/SCENARIO.md[/]")
    command = _next.of_lab(lab, _runs.runs(cluster, lab.name)) if wait else lab.command("chaos")
    next_step(command)
    emit(
        {
            "scenario": lab.name,
            "slug": slug,
            "ready": lab.ready,
            "workspace": str(workspace.folder(slug)),
            "seconds": round(time.monotonic() - began, 2),
            "next": command,
        },
        output,
    )


def delete(
    slug: SlugArgument = None,
    name: NameOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Delete a lab with all that runs in it, faults included. Workspace, progress and reports are kept."""
    from faultline.cli import _deploy, _labs
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import Line, next_step

    cluster = Cluster.open(context)
    lab = _labs.find(cluster, slug, name)
    if not yes:
        which = lab.slug if lab.name == lab.slug else f"--name {lab.name}"
        confirm(
            f"Delete the lab {lab.name}? Workspace, progress and the reports of its runs are kept",
            f"faultline delete {which} --yes",
        )
    with Line() as line:
        _deploy.delete(cluster, lab.name, line)
    console.print(f"[green]✓[/] {lab.name} is gone; workspace, progress and the reports of its runs are kept")
    next_step(f"make apply S={lab.slug}")
    emit({"deleted": lab.name, "next": f"make apply S={lab.slug}"}, output)
