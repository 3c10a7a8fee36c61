"""A graded run on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from faultline.api.run import PASS_MARK
from faultline.cli._runs import RunView
from faultline.cli._show import COLOURS, duration, wrapped
from faultline.cli.base import console
from faultline.report import RunRecord, check_gist, comparison, lost_points, rows
from faultline.report.text import expected, reasons, seen


def show(record: RunRecord, run: RunView, *, queries: bool = True) -> None:
    """Score, verdict and summary, then each lost point: expected, seen, window, principle; last the queries, whole."""
    status = record.status
    colour = COLOURS.get(status.verdict or "", "dim")
    score = "no score" if status.score is None else f"{status.score} of 100"
    console.print(
        f"[bold {colour}]{(status.verdict or 'not graded').upper()}[/]  [bold]{score}[/]  (pass: {PASS_MARK})"
    )
    console.print(f"[dim]{record.name}, code: {record.variant}, {duration(run.seconds)} from start to score[/]")
    for reason in reasons(record):
        wrapped(escape(reason))
    for fault in status.faults:
        if fault.held_out:
            wrapped(escape(f"held out: {fault.name} ({fault.type} on {fault.edge or fault.target or 'nothing'})"))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for row in comparison([record])[2:]:
        table.add_row(row.label, row.values[0])
    console.print(table, soft_wrap=False)
    _show_objectives(record)
    _show_lost(record)
    _show_checks(record)
    if queries:
        _show_queries(record)


def _show_objectives(record: RunRecord) -> None:
    """A line for each: what it measured, and how far that is from its target."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in ("", "objective", "seen", "target", "points"):
        table.add_column(title, justify="right" if title == "points" else "left", no_wrap=title in ("", "points"))
    for each in record.status.objectives:
        mark = "[green]✓[/]" if each.met else "[red]✗[/]"
        target = expected(each).partition(" (")[0]
        points = f"{each.points:.3g} of {each.weight:.3g}"
        table.add_row(mark, escape(each.name), escape(seen(each)), target, points)
    if record.status.objectives:
        console.print()
        console.print(table, soft_wrap=False)


def _show_lost(record: RunRecord) -> None:
    lost = lost_points(record)
    if not lost:
        return
    console.print("\n[bold]Where points were lost[/]")
    for each in lost:
        must = "  [red]required[/]" if each.required else ""
        wrapped(f"[bold]{escape(each.objective)}[/]: {each.points:.3g} of {each.weight:.3g} points{must}", 0)
        table = Table.grid(padding=(0, 1, 0, 0))
        for label, text in (
            ("expected", each.expected),
            ("seen", each.seen),
            ("window", each.window),
            ("why", each.principle),
        ):
            table.add_row(f"  [dim]{label}[/]", escape(text))
        console.print(table, soft_wrap=False)


def _show_queries(record: RunRecord) -> None:
    """The PromQL of each lost point on a line of its own, to be copied; some have forty lines of a terminal."""
    asked = [each for each in lost_points(record) if each.query]
    if not asked:
        return
    console.print("\n[bold]Queries of the lost points[/]")
    for each in asked:
        console.print(f"[bold]{escape(each.objective)}[/]")
        console.print(f"[dim]{escape(each.query)}[/]")


def _show_checks(record: RunRecord) -> None:
    """Each check that does not hold, with its smallest counter-example as a list in the order of time."""
    for each in record.status.checks:
        if each.result == "holds":
            continue
        console.print()
        wrapped(f"[bold]{escape(each.name)}[/] [dim]({each.check})[/]  {escape(check_gist(each))}", 0)
        if not each.examples:
            continue
        example = each.examples[0]
        wrapped(f"[red]{escape(example.text)}[/]")
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for title in ("  start", "end", "who", "what", "outcome"):
            right = title in ("  start", "end")
            table.add_column(title, justify="right" if right else "left", no_wrap=title not in ("what", "outcome"))
        for row in rows(example, record):
            outcome = row.outcome if not row.note else f"{row.outcome}: {row.note}"
            table.add_row(*map(escape, (row.start, row.end, row.who, row.what, outcome)))
        console.print(table, soft_wrap=False)
        if example.omitted:
            console.print(f"  [dim]and {example.omitted} operations more[/]")


def show_named(records: Sequence[RunRecord]) -> None:
    """Runs side by side under numbers: two names in one line would be broken."""
    for number, each in enumerate(records, start=1):
        console.print(f"{number}  [bold]{each.name}[/]  {each.variant}")
    show_comparison(records, [f"{number}: {each.variant}" for number, each in enumerate(records, start=1)])


def show_comparison(records: Sequence[RunRecord], titles: Sequence[str]) -> None:
    """Runs side by side; the better value is green."""
    table = Table(title_justify="left")
    table.add_column("")
    for title in titles:
        table.add_column(title, justify="right", overflow="fold")
    for row in comparison(records):
        values = [f"[green]{value}[/]" if place == row.best else value for place, value in enumerate(row.values)]
        table.add_row(row.label, *values)
    console.print(table, soft_wrap=False)
