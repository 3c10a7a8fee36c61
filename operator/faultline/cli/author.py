"""`faultline lint`, `new`: what an author of scenarios needs before a cluster does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from faultline.cli.base import EXIT_FAIL, Output, OutputOption, ScenarioArgument, console, emit


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(lint)
    app.command()(new)


def lint(slug: ScenarioArgument = None, output: OutputOption = Output.TEXT) -> None:
    """Hold a scenario's folder, or all of them, against the standard for lessons. Exit status 1 when one breaks it.

    docs/writing-a-scenario.md explains each rule.
    """
    from faultline import lint as standard
    from faultline.cli import _labs
    from faultline.cli._record import shown

    folders = [_labs.scenario_folder(slug)] if slug else [_labs.scenario_folder(each) for each in _labs.slugs()]
    found = [(folder, problem) for folder in folders for problem in standard.lint(folder)]
    for folder, problem in found:
        place = shown(folder / problem.file) + (f":{problem.line}" if problem.line else "")
        console.print(place, style="bold", end="", markup=False)
        console.print(f": {problem.rule}: {problem.message}", markup=False)
        console.print("  next: ", style="bold", end="")
        console.print(problem.next_step, markup=False)
    if not found:
        console.print(f"[green]✓[/] {len(folders)} of {len(folders)} scenarios keep the standard")
    emit(
        {
            "scenarios": [folder.name for folder in folders],
            "problems": [{"scenario": folder.name, **asdict(problem)} for folder, problem in found],
        },
        output,
    )
    if found:
        raise typer.Exit(EXIT_FAIL)


def new(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="the new folder's name: a-z, 0-9 and dashes")],
    title: Annotated[str | None, typer.Option(help="of the lesson; made from the slug when left out")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a scenario's folder that works: a flawed app that fails, a solution that passes, two wrong fixes.

    Change it step by step, as docs/writing-a-scenario.md says, and keep it working.
    """
    from faultline import scaffold
    from faultline.cli import _labs
    from faultline.cli._record import shown
    from faultline.cli._show import next_step

    folder = scaffold.create(_labs.scenarios_root(), slug, title)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    console.print(f"[green]✓[/] {shown(folder)}/ with {len(files)} files; it keeps the standard as it is")
    command = f"make verify S={slug}"
    console.print("  what to change, and in which order: docs/writing-a-scenario.md")
    next_step(command)
    emit({"slug": slug, "folder": str(folder), "files": files, "next": command}, output)
