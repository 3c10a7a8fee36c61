"""`faultline hint`, `progress`, `plan`: what there is to learn, and how far one is."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from faultline.cli.base import ContextOption, Output, OutputOption, SlugArgument, console, emit


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(hint)
    app.command()(progress)
    app.command()(plan)


def hint(
    slug: SlugArgument = None,
    again: Annotated[bool, typer.Option("--again", help="show all that were revealed, none that is new")] = False,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Reveal the next hint of a scenario; your progress notes which ones you took."""
    from rich.markdown import Markdown

    from faultline import hints
    from faultline.cli import _labs
    from faultline.cli._cluster import Cluster
    from faultline.host.home import Home
    from faultline.progress import Store

    slug = slug or _labs.only_slug(Cluster.open(context))
    rungs = hints.rungs(_labs.scenario_folder(slug))
    store = Store(Home.from_environment().root)
    seen = store.read().of(slug).hints
    numbers = (
        sorted(each for each in seen if each <= len(rungs))
        if again
        else [store.next_hint(slug, len(rungs), time.time())]
    )
    for number in numbers:
        console.rule(f"hint {number} of {len(rungs)}: {rungs[number - 1].title}", align="left")
        console.print(Markdown(rungs[number - 1].text), soft_wrap=False)
    if not numbers:
        console.print("no hint was revealed yet")
    elif numbers[-1] == len(rungs):
        console.print(f"\n[dim]that was the last one; scenarios/{slug}/solution/ shows one way that passes[/]")
    emit(
        {
            "slug": slug,
            "rungs": len(rungs),
            "hints": [{"rung": each, "title": rungs[each - 1].title, "text": rungs[each - 1].text} for each in numbers],
        },
        output,
    )


def progress(output: OutputOption = Output.TEXT) -> None:
    """Show attempts, best score, time to fix and hints of each scenario."""
    from rich.table import Table

    from faultline.cli import _labs
    from faultline.cli._show import duration
    from faultline.host.home import Home
    from faultline.progress import Store

    found = Store(Home.from_environment().root).read()
    table = Table(box=None, padding=(0, 3, 0, 0))
    for title in ("scenario", "best", "attempts", "hints", "time to fix"):
        table.add_column(title, justify="left" if title == "scenario" else "right")
    rows = []
    for slug in sorted({*found.scenarios, *_labs.slugs()}):
        record = found.of(slug)
        best = "-" if record.best is None else str(record.best)
        mark = "[green]✓[/] " if record.passed else "  "
        table.add_row(mark + slug, best, str(len(record.own)), str(len(record.hints)), duration(record.seconds_to_fix))
        rows.append(
            {
                "slug": slug,
                "passed": record.passed is not None,
                "best": record.best,
                "attempts": len(record.own),
                "hints": len(record.hints),
                "seconds_to_fix": record.seconds_to_fix,
            }
        )
    console.print(table, soft_wrap=False)
    emit({"scenarios": rows}, output)


def plan(
    slug: SlugArgument = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="of the run: same seed, same plan")] = 1,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Show what a run of a scenario will do: its phases, its load, and what it is graded by. Nothing is started."""
    from faultline.cli import _labs, _plan
    from faultline.cli._cluster import Cluster
    from faultline.scenario import ScenarioSpec
    from faultline.validation import scenario_object

    slug = slug or _labs.only_slug(Cluster.open(context))
    found = scenario_object(_labs.scenario_folder(slug) / "scenario.yaml")
    spec = ScenarioSpec.model_validate(found["spec"])
    _plan.show(spec)
    emit(_plan.as_json(spec, seed), output)
