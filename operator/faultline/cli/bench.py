"""`faultline bench`: measures against bounds; benches are found in `_benches/`, one file each."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from faultline.cli.base import EXIT_FAIL, ContextOption, Output, OutputOption, console, emit

if TYPE_CHECKING:
    from faultline.cli._benches.base import Measurement


ALL_SECONDS = 300.0
"""What one bench may take where all are run."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(bench)


def bench(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="one bench; all when left out")] = None,
    repeat: Annotated[int, typer.Option(min=1, max=1000, envvar="REPEAT", help="samples of what is cheap")] = 5,
    budget: Annotated[
        float | None, typer.Option(min=0, envvar="BUDGET", help="seconds for a bench that may do a part; 300 for all")
    ] = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Measure, print against the bounds, and write reports/bench/NAME.json.

    Exit status 1 when a bound does not hold.
    """
    from faultline import discovery
    from faultline.cli import _benches, _record
    from faultline.cli._benches.base import Bench
    from faultline.cli._cluster import Cluster
    from faultline.errors import NotFound

    found = discovery.modules(_benches)
    if name and name not in found:
        raise NotFound(
            "FL212", f"there is no bench {name}: there are {', '.join(found)}", f"make bench-{next(iter(found))}"
        )
    budget = budget or (None if name else ALL_SECONDS)
    results: dict[str, list[dict[str, object]]] = {}
    held = True
    for each in [name] if name else found:
        measured: list[Measurement] = []
        for measurement in found[each].measure(Bench(Cluster.open(context), repeat, budget)):
            measured.append(measurement)
            results[each] = [asdict(one) for one in measured]
            # Written as it grows: a bench that breaks half-way keeps what it has measured.
            _record.write_json(f"bench/{each}.json", results[each])
        _print(each, measured)
        held = held and all(one.within for one in measured)
    emit(results, output)
    if not held:
        raise typer.Exit(EXIT_FAIL)


def _print(name: str, measured: list[Measurement]) -> None:
    from rich.table import Table

    table = Table(title=f"bench-{name}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("measure", "value", "bound", "n"):
        # The names are what people look for in the JSON: other columns break instead.
        table.add_column(title, justify="left" if title == "measure" else "right", no_wrap=title == "measure")
    for each in measured:
        mark = "[green]✓[/]" if each.within else "[red]✗[/]"
        sign = "≤" if each.better == "lower" else "≥"
        table.add_row(
            f"{mark} {each.measure}",
            _amount(each.value, each.unit),
            "" if each.bound is None else f"{sign} {_amount(each.bound, each.unit)}",
            str(each.n),
        )
    console.print(table, soft_wrap=False)


def _amount(value: float, unit: str) -> str:
    return f"{value / 1024**2:,.0f} MiB" if unit == "bytes" else f"{value:g} {unit}"
