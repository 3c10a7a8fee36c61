"""The crash matrix: what is left of a run's faults when a part of Faultline is killed at each step of it.

All of it takes half an hour; BUDGET=300 does as many cells as fit into 5 minutes, another part each day.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.table import Table

from faultline.cli import _crash, _record
from faultline.cli._benches.base import Bench, Measurement
from faultline.cli._crash import LEFT_SECONDS, Cell, Matrix
from faultline.cli._show import Line
from faultline.cli.base import console
from faultline.errors import FaultlineError

CELL_SECONDS = 45.0
"""What a cell takes, about."""


def measure(bench: Bench) -> Iterator[Measurement]:
    """Cell by cell, then a run in which nothing is killed."""
    matrix, done = Matrix(bench.cluster), []
    with Line() as line:
        try:
            matrix.up(line)
            for component, step in _chosen(bench.budget):
                done.append(_done(matrix, component, step, line))
                line.keep(_told(done[-1]))
            done.append(matrix.undisturbed(line))
            line.keep(_told(done[-1]))
        finally:
            matrix.down()
    _record.write_json("bench/crash-matrix.json", [_crash.as_row(each) for each in done])
    console.print(_table(done))
    yield Measurement("crash_cells", len(done) - 1, "cells")
    yield Measurement("crash_leaks", sum(len(each.leaks) for each in done), "leaks", 0, n=len(done))
    yield Measurement("crash_broken_promises", sum(len(each.problems) for each in done), "promises", 0, n=len(done))
    yield Measurement(
        "crash_clean_seconds_max", max(each.clean_seconds for each in done), "s", LEFT_SECONDS, n=len(done)
    )


def _done(matrix: Matrix, component: str, step: str, line: Line) -> Cell:
    """The cell; one that could not be measured is a promise that was not shown to hold, and no end of the bench."""
    try:
        return matrix.cell(component, step, line)
    except FaultlineError as error:
        return Cell(component, step, problems=[f"not measured: {error.message}"])


def _chosen(budget: float | None) -> list[tuple[str, str]]:
    """All cells, or as many as a budget allows, spread over parts and steps; which ones changes by day."""
    cells = _crash.cells()
    if not budget:
        return cells
    count = max(1, min(len(cells), int(budget / CELL_SECONDS) - 1))
    first = int(time.time() // 86400)
    # A stride that has no factor in common with 36 reaches every cell and changes part and step each time.
    return [cells[(first + index * 7) % len(cells)] for index in range(count)]


def _told(cell: Cell) -> str:
    mark = "[green]✓[/]" if cell.held else "[red]✗[/]"
    text = f"{mark} {cell.name}: clean after {cell.clean_seconds:.1f} s, {cell.verdict}"
    return "\n    ".join([text, *cell.leaks, *cell.problems])


def _table(done: list[Cell]) -> Table:
    table = Table(title="crash matrix", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("killed", "at", "leaks", "seconds to clean", "verdict"):
        table.add_column(title)
    for each in done:
        row = (each.component, each.step, str(len(each.leaks)), f"{each.clean_seconds:.1f}", each.verdict)
        table.add_row(*row, style=None if each.held else "red")
    return table
