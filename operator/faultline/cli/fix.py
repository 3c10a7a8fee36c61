"""`faultline fix`, `reset`: the learner's code goes in, or starts again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from faultline.cli.base import (
    ContextOption,
    NameOption,
    Output,
    OutputOption,
    SlugArgument,
    console,
    emit,
    since_start,
)

if TYPE_CHECKING:
    from faultline.catalogue import CodeVersion
    from faultline.cli._cluster import Cluster
    from faultline.cli._labs import Lab

DIFF_LINES = 40


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(fix)
    app.command()(reset)


def fix(
    slug: SlugArgument = None,
    name: NameOption = None,
    variant: Annotated[
        str | None, typer.Option(help="code of the catalogue instead of yours: flawed, solution, wrong/NAME")
    ] = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Send your code from workspace/SLUG/ into the lab; it serves within seconds, no image is built.

    What does not compile is refused. What does not start is taken back: the old pods serve until a new one is ready.
    """
    from faultline.cli import _labs, _ship
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import duration, next_step

    cluster = Cluster.open(context)
    lab = _labs.find(cluster, slug, name)
    code = _code(cluster, lab, variant)
    before = _ship.deployed_files(cluster, lab)
    changed = before != dict(code.files)
    _show_difference(before, code)
    began = time.monotonic()
    if changed:
        swapped = _replace(cluster, lab, code, before)
        console.print(f"[green]✓[/] {lab.name} serves the new code, {duration(since_start())} after the command")
        if swapped:
            console.print("  [dim]new pods with it follow; a run waits for them[/]")
    else:
        console.print(f"{lab.name} runs exactly this code already")
    command = f"make chaos S={lab.slug}" if lab.name == lab.slug else f"faultline chaos --name {lab.name}"
    next_step(command)
    emit(
        {
            "scenario": lab.name,
            "variant": code.variant,
            "digest": code.digest,
            "changed": changed,
            "seconds": round(since_start(), 2),
            "serving_seconds": round(time.monotonic() - began, 2),
            "next": command,
        },
        output,
    )


def _code(cluster: Cluster, lab: Lab, variant: str | None) -> CodeVersion:
    """The version to ship. Raises InvalidInput (FL118) naming the line that does not compile."""
    from faultline import catalogue, workspace
    from faultline.cli import _labs, _syntax
    from faultline.errors import InvalidInput

    if variant:
        return catalogue.version(_labs.scenario_folder(lab.slug), variant)
    code = catalogue.CodeVersion(lab.slug, catalogue.LEARNER, workspace.read(lab.slug))
    problem = _syntax.problem(cluster, lab, code.files)
    if problem:
        raise InvalidInput("FL118", f"{workspace.shown(lab.slug)}{problem}", "mend it; nothing was sent")
    return code


def _show_difference(before: dict[str, str], code: CodeVersion) -> None:
    from rich.markup import escape

    from faultline.workspace import difference

    lines = difference(before, code.files) if before else []
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines[:DIFF_LINES]:
        colour = colours.get(line[:1], "dim")
        console.print(f"[{colour}]{escape(line)}[/]")
    if len(lines) > DIFF_LINES:
        console.print(f"[dim]… {len(lines) - DIFF_LINES} more lines of difference[/]")


def _replace(cluster: Cluster, lab: Lab, code: CodeVersion, before: dict[str, str]) -> bool:
    """Ship, and see to it that it serves; whether the running pods took it, so that the roll-out need not be awaited.

    Code that does not start is taken back before the error is shown.
    """
    from faultline.cli import _ship, _swap
    from faultline.cli._show import Line
    from faultline.errors import InvalidInput

    with Line() as line:
        line.update("the pods start the new code")
        swapped = _swap.serve(cluster, lab, code, before)
        _ship.ship(cluster, lab, code)
        if not swapped:
            try:
                _ship.wait_serving(cluster, lab, code, line)
            except InvalidInput:
                _ship.point_at(cluster, lab, lab.code)
                raise
    return swapped


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
        typer.confirm(f"Replace {workspace.shown(slug)} by the flawed code (a backup is kept)?", abort=True)
    backup = workspace.reset(slug, app)
    console.print(f"{workspace.shown(slug)} is the flawed code again" + (f"; yours is in {backup}" if backup else ""))
    next_step(f"make fix S={slug}")
    emit({"workspace": str(workspace.folder(slug)), "backup": str(backup) if backup else None}, output)
