"""`faultline fix`, `watch`, `reset`: the learner's code goes in, once or on each save, or starts again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from faultline.cli.base import (
    ContextOption,
    NameOption,
    Output,
    OutputOption,
    SlugArgument,
    confirm,
    console,
    emit,
    since_start,
)

if TYPE_CHECKING:
    from faultline.cli._labs import Lab
    from faultline.cli._send import Sent


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(fix)
    app.command()(watch)
    app.command()(reset)


def fix(
    slug: SlugArgument = None,
    name: NameOption = None,
    variant: Annotated[
        str | None,
        typer.Option(help="code of the catalogue instead of yours: flawed, solution[-NAME], wrong/NAME, without/NAME"),
    ] = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Send your code from workspace/SLUG/ into the lab; it serves within seconds, no image is built.

    What does not compile is refused. What does not start is taken back: the old pods serve until a new one is ready.
    """
    from faultline.cli import _labs, _send
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import next_step

    cluster = Cluster.open(context)
    lab = _labs.find(cluster, slug, name)
    sent = _send.send(cluster, lab, _send.variant(lab, variant) if variant else _send.learners(cluster, lab))
    _tell(lab, sent, since_start(), "after the command")
    command = lab.command("chaos")
    next_step(command)
    emit({**sent.as_json(lab), "seconds": round(since_start(), 2), "next": command}, output)


def _tell(lab: Lab, sent: Sent, seconds: float, after: str) -> None:
    from faultline.cli._show import duration

    if sent.changed:
        console.print(f"[green]✓[/] {lab.name} serves the new code, {duration(seconds)} {after}")
    if sent.swapped:
        console.print("  [dim]new pods with it follow; a run waits for them[/]")


def watch(
    slug: SlugArgument = None,
    name: NameOption = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Send workspace/SLUG/ into the lab now and on each save, until Ctrl-C.

    What does not compile or start is shown, and the code before it goes on. While a run is under way nothing is sent,
    since that would end the run inconclusive. With JSON output there is one line for each save.
    """
    from faultline import workspace
    from faultline.cli import _labs, _watch
    from faultline.cli._cluster import Cluster

    cluster = Cluster.open(context)
    lab = _labs.find(cluster, slug, name)
    workspace.read(lab.slug)
    console.print(f"watching [bold]{workspace.shown(lab.slug)}[/]; Ctrl-C ends it")
    watcher = _watch.Watcher(cluster, lab.slug, lab.name, output, _tell)
    try:
        watcher.run()
    except KeyboardInterrupt:
        console.print(f"\nno longer watching {workspace.shown(lab.slug)}; the lab keeps what it serves")


def reset(
    slug: SlugArgument = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Start again from the flawed code: your workspace is moved to a backup beside it."""
    from faultline import workspace
    from faultline.cli import _labs
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import next_step

    slug = slug or _labs.only_slug(Cluster.open(context))
    app = _labs.scenario_folder(slug) / "app"
    if not yes:
        confirm(
            f"Replace {workspace.shown(slug)} by the flawed code (a backup is kept)?", f"faultline reset {slug} --yes"
        )
    backup = workspace.reset(slug, app)
    console.print(f"{workspace.shown(slug)} is the flawed code again" + (f"; yours is in {backup}" if backup else ""))
    next_step(f"make fix S={slug}")
    emit({"workspace": str(workspace.folder(slug)), "backup": str(backup) if backup else None}, output)
