"""`faultline hint`, `solution`, `progress`, `plan`: what there is to learn, and how far one is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faultline.cli.base import ContextOption, Output, OutputOption, SlugArgument, console, emit
from faultline.names import MAX_SEED

if TYPE_CHECKING:
    from faultline.progress import ScenarioProgress


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(hint)
    app.command()(solution)
    app.command()(progress)
    app.command()(plan)


def hint(
    slug: SlugArgument = None,
    again: Annotated[bool, typer.Option("--again", help="show all that were revealed, none that is new")] = False,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Reveal the next hint of a scenario; your progress notes which ones you took.

    One that fits what happened in the last run of what is deployed comes first.
    """
    from rich.markdown import Markdown

    from faultline import hints
    from faultline.cli import _fitting, _labs
    from faultline.cli._cluster import Cluster
    from faultline.host.home import Home
    from faultline.progress import Store

    slug = slug or _labs.only_slug(Cluster.open(context))
    folder = _labs.scenario_folder(slug)
    rungs = hints.rungs(folder)
    store = Store(Home.from_environment().root)
    record = store.read().of(slug)
    hints.check_open(slug, _tier(folder), record)
    fits = [] if again else _fitting.fitting(slug, rungs, record.hints, context)
    if again:
        numbers = sorted(each for each in record.hints if each <= len(rungs))
    else:
        numbers = [store.next_hint(slug, len(rungs), time.time(), fits)]
    for number in numbers:
        fit = "  (fits what your lab shows)" if number in fits else ""
        console.rule(f"hint {number} of {len(rungs)}: {rungs[number - 1].title}{fit}", align="left")
        console.print(Markdown(rungs[number - 1].text), soft_wrap=False)
    if not numbers:
        console.print("no hint was revealed yet")
    elif len(store.read().of(slug).hints) >= len(rungs):
        console.print(f"\n[dim]that was the last one; `make solution S={slug}` shows one way that passes[/]")
    emit(
        {
            "slug": slug,
            "rungs": len(rungs),
            "hints": [
                {"rung": each, "title": rungs[each - 1].title, "text": rungs[each - 1].text, "fits": each in fits}
                for each in numbers
            ],
        },
        output,
    )


def _tier(folder: Path) -> str:
    from faultline.validation import scenario_object

    return str(scenario_object(folder / "scenario.yaml")["spec"]["tier"])


def solution(
    slug: SlugArgument = None,
    variant: Annotated[str, typer.Option(help="another accepted design: solution-NAME")] = "solution",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="before an attempt of your own; your record notes it")
    ] = False,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Show a solution: why, and what it changes. It opens after an attempt of your own, or with --anyway."""
    from faultline import catalogue
    from faultline.cli import _labs, _solution
    from faultline.cli._cluster import Cluster
    from faultline.host.home import Home
    from faultline.progress import Store

    slug = slug or _labs.only_slug(Cluster.open(context))
    folder = _labs.scenario_folder(slug)
    code = _solution.find(folder, variant)
    store = Store(Home.from_environment().root)
    _solution.check_open(slug, store.read().of(slug), anyway)
    seen = store.solution_opened(slug, time.time())
    why = folder / variant / "README.md"
    text = why.read_text(encoding="utf-8") if why.is_file() else ""
    changes = _solution.show(catalogue.version(folder), code, text)
    emit(
        {
            "slug": slug,
            "variant": variant,
            "why": text,
            "difference": changes,
            "attempts_before": seen.attempts,
            "others": [each for each in catalogue.variants(folder) if each.startswith("solution") and each != variant],
        },
        output,
    )


def progress(output: OutputOption = Output.TEXT) -> None:
    """Show attempts, best score, hints, points for the diagnosis and time to fix of each scenario, in their order.

    Time to fix is from the end of your first run, which shows what is wrong, to the end of the first that your own code
    passes. A pause counts half an hour at most, however long it was.
    """
    from rich.table import Table

    from faultline import learning
    from faultline.cli import _labs, _next, _standing
    from faultline.cli._show import duration, next_step

    found, standing = _standing.read()
    places = {each.slug: place for place, each in enumerate(learning.in_order(_standing.lessons()))}
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("  scenario", "best", "attempts", "hints", "diagnosis", "solution", "time to fix"):
        first = title == "  scenario"
        table.add_column(title, justify="left" if first else "right", no_wrap=first, overflow="fold")
    rows = []
    for slug in sorted({*found.scenarios, *_labs.slugs()}, key=lambda each: (places.get(each, len(places)), each)):
        record = found.of(slug)
        best = "-" if record.best is None else str(record.best)
        mark = "[green]✓[/] " if record.passed else "  "
        diagnosis = "-" if record.diagnosis is None else str(record.diagnosis)
        seen = _seen(record)
        counts = (str(len(record.own)), str(record.hints_used), diagnosis, seen.split()[1] if seen else "-")
        table.add_row(mark + slug, best, *counts, duration(record.seconds_to_fix))
        rows.append(
            {
                "slug": slug,
                "passed": record.passed is not None,
                "best": record.best,
                "attempts": len(record.own),
                "hints": record.hints_used,
                "diagnosis": record.diagnosis,
                "solution": seen,
                "seconds_to_fix": record.seconds_to_fix,
            }
        )
    console.print(table, soft_wrap=False)
    if any(each["solution"] for each in rows):
        console.print("[dim]solution: looked at before or after an attempt of your own[/]")
    _standing.show(found, standing)
    command = _next.scenario(standing) if standing.next else None
    if command:
        next_step(command)
    emit({"scenarios": rows, "next": command}, output)


def _seen(record: ScenarioProgress) -> str | None:
    """When the solution was opened, in words; None while it was not."""
    if record.solution is None:
        return None
    return "seen after an attempt" if record.solution.attempts else "seen before an attempt"


def plan(
    slug: SlugArgument = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="of the run: same seed, same plan")] = 1,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Show what a run of a scenario will do: its phases, its load, and what it is graded by. Nothing is started.

    Faults that are held out are counted, and left out.
    """
    from faultline import heldout
    from faultline.cli import _labs, _plan
    from faultline.cli._cluster import Cluster
    from faultline.scenario import ScenarioSpec
    from faultline.validation import scenario_object

    slug = slug or _labs.only_slug(Cluster.open(context))
    folder = _labs.scenario_folder(slug)
    found = scenario_object(folder / "scenario.yaml")
    spec = ScenarioSpec.model_validate(found["spec"])
    held_out = heldout.of_folder(folder, spec)
    _plan.show(spec, held_out)
    emit(_plan.as_json(spec, seed, held_out), output)
