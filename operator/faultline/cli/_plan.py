"""What a run will do, before it does it."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from faultline.cli._show import duration, wrapped
from faultline.cli.base import console
from faultline.heldout import HeldOut
from faultline.measures.base import Measure
from faultline.report.quantity import quantity
from faultline.scenario import ScenarioSpec, fault_name, fault_seed


def show(spec: ScenarioSpec, held_out: HeldOut | None = None) -> None:
    """Phases, load, faults by their time in the run, objectives; of what is held out how much it is."""
    windows = spec.phases.windows()
    fault_start = windows["fault"][0]
    console.print(f"[bold]{escape(spec.title)}[/]")
    wrapped(f"[dim]{spec.tier}: {', '.join(spec.concepts)}[/]", 0)
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False)
    for title in ("from", "to", "what"):
        table.add_column(title, justify="right" if title != "what" else "left")
    rows = [(start, end, name) for name, (start, end) in windows.items()]
    for index, fault in enumerate(spec.faults):
        start, end = fault.window()
        what = f"[red]{fault.type}[/] {fault_name(index, fault)}" + (f" on {fault.where}" if fault.where else "")
        rows.append((fault_start + start, fault_start + end, f"  {what}"))
    for start, end, what in sorted(rows, key=lambda row: row[0]):
        table.add_row(duration(start), duration(end), what)
    console.print(table, soft_wrap=False)
    if held_out:
        of = f"{held_out.choose} of {len(held_out.faults)}"
        console.print(f"held out: the seed adds {of} faults more, which are left out here and told after the run")
    rates = ", ".join(f"{each.rate:g}/s from {each.at}" for each in spec.load.stages)
    wrapped(f"load: {rates}; a request counts as lost after {spec.load.deadline}", 0)
    objectives = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("points", "objective", "target"):
        objectives.add_column(title, justify="right" if title == "points" else "left")
    for each in spec.objectives:
        must = "  [red]required[/]" if each.required else ""
        if isinstance(each.kind, Measure):
            target, worst = quantity(each.target, each.kind.value_unit), quantity(each.worst, each.kind.value_unit)
            wanted = f"{target} (none from {worst})"
        else:
            wanted = f"no violation of {each.type.replace('_', ' ')}"
        objectives.add_row(f"{each.weight:g}", escape(each.name), wanted + must)
    console.print(objectives, soft_wrap=False)


def as_json(spec: ScenarioSpec, seed: int, held_out: HeldOut | None = None) -> dict[str, Any]:
    """The same for programs; times in seconds from the start of the baseline. The same seed gives the same text.

    A fault's own seed is what it chooses its targets by. `held_out` has how many faults are left out of how many.
    """
    windows = spec.phases.windows()
    start = windows["fault"][0]
    return {
        "slug": spec.slug,
        "seed": seed,
        "phases": windows,
        "faults": [
            {
                "name": fault_name(index, fault),
                "type": fault.type,
                "edge": fault.edge,
                "start": start + fault.window()[0],
                "end": start + fault.window()[1],
                "seed": fault_seed(seed, fault_name(index, fault)),
                "params": fault.fault.model_dump(mode="json", by_alias=True),
            }
            for index, fault in enumerate(spec.faults)
        ],
        "held_out": {"choose": held_out.choose, "of": len(held_out.faults)} if held_out else None,
        "objectives": [
            {"name": each.name, "measure": each.type, "target": each.target, "worst": each.worst, "weight": each.weight}
            for each in spec.objectives
        ],
    }
