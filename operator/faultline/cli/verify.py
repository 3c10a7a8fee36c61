"""`faultline verify`: a scenario proves its own verdicts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faultline.cli.base import EXIT_FAIL, ContextOption, Output, OutputOption, ScenarioArgument, console, emit

if TYPE_CHECKING:
    from faultline.cli._cluster import Cluster
    from faultline.cli._labs import Lab
    from faultline.cli._verified import Row


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(verify)


def _seconds(text: str | None) -> float | None:
    """The option's value: `90`, `90s` or `60m`."""
    from faultline.api.base import seconds

    if text is None:
        return None
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def verify(
    slug: ScenarioArgument = None,
    all_scenarios: Annotated[
        bool, typer.Option("--all", help="all scenarios, and of each only what is not proven yet")
    ] = False,
    repeat: Annotated[
        int, typer.Option(min=1, max=100, help="runs of each variant; without/NAME: one, however many")
    ] = 1,
    budget: Annotated[
        str | None, typer.Option(help="time after which no further run is started, such as 90s or 60m")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--variant", help="only these: flawed, solution[-NAME], wrong/NAME, without/NAME"),
    ] = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Prove a scenario: its flawed app fails, each solution passes, each wrong fix fails.

    The reference solution without one of the lines that safety.yaml names fails as well; one run shows it, whatever
    --repeat is.

    Deploys each of them in a lab of its own and grades it; writes reports/verify-SLUG.json, and what it has proven into
    scenarios/SLUG/verified.json. Exit status 0 only when every verdict is the expected one, and each wrong fix and each
    missing line costs the objective that wrong.yaml or safety.yaml names for it.

    With --all it goes on where it was ended, runs nothing again whose code, Scenario, images and chart are as they were
    when it was proven, and writes docs/verification.md; with a budget of 0 it writes that alone.
    """
    from faultline import catalogue
    from faultline.cli import _labs, _verification, _verified
    from faultline.cli._cluster import Cluster

    allowed = _seconds(budget)
    deadline = None if allowed is None else time.monotonic() + allowed
    if all_scenarios and (slug or only):
        raise typer.BadParameter("--all takes neither a scenario nor a variant")
    cluster = Cluster.open(context)
    slugs = _labs.slugs() if all_scenarios else [slug or _labs.only_slug(cluster)]
    found: list[dict[str, Any]] = []
    for each in slugs:
        folder = _labs.scenario_folder(each)
        if all_scenarios:
            runs = _verified.missing(folder, repeat)
        else:
            runs = _verified.rounds(only or catalogue.variants(folder), repeat)
        found.append(_verify(cluster, each, runs, deadline))
    if all_scenarios:
        place = _verification.write([_labs.scenario_folder(each) for each in slugs])
        console.print(f"\n{place} has all that is proven")
    emit({"scenarios": found} if all_scenarios else found[0], output)
    if not all(each["as_expected"] for each in found):
        raise typer.Exit(EXIT_FAIL)


def _verify(cluster: Cluster, slug: str, runs: Sequence[tuple[str, int]], deadline: float | None) -> dict[str, Any]:
    """Do these runs (variant, seed) of a scenario, as far as the time allows, and keep what they prove."""
    from faultline.cli import _experiment, _labs, _record, _verified

    folder = _labs.scenario_folder(slug)
    rows: list[Row] = []
    if runs and not _over(deadline):
        _verified.require_engine(cluster)
        with _experiment.own_lab(cluster, slug, f"verify-{slug}"[:40].rstrip("-"), "verify") as lab:
            for variant, seed in runs:
                if _over(deadline):
                    console.print("[yellow]the budget is used up[/]")
                    break
                rows.append(_one(cluster, lab, variant, seed))
                _verified.add(folder, rows[-1])
    missing = sorted({variant for variant, _ in runs} - {each.variant for each in rows})
    good = all(each.as_expected for each in rows) and not missing
    data: dict[str, Any] = {
        "slug": slug,
        "as_expected": good,
        "not_run": missing,
        "flips": _flips(rows),
        "runs": [{**each.model_dump(), "as_expected": each.as_expected} for each in rows],
    }
    if rows:
        _print(rows)
        _print_flips(data["flips"], rows)
        _record.write_json(f"verify-{slug}.json", data)
    elif not runs:
        console.print(f"[green]✓[/] {slug}: proven already, nothing has changed since")
    if missing:
        console.print(f"[red]✗[/] {slug}: not run: {', '.join(missing)}")
    return data


def _flips(rows: Sequence[Row]) -> dict[str, dict[str, list[int]]]:
    """Variants that had more than one verdict: the seeds of each. A run without a verdict is no flip."""
    found: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        if row.verdict != "inconclusive":
            found.setdefault(row.variant, {}).setdefault(row.verdict, []).append(row.seed)
    return {variant: verdicts for variant, verdicts in found.items() if len(verdicts) > 1}


def _print_flips(flips: dict[str, dict[str, list[int]]], rows: Sequence[Row]) -> None:
    for variant, verdicts in flips.items():
        rounds = "; ".join(f"{verdict} in {', '.join(map(str, seeds))}" for verdict, seeds in sorted(verdicts.items()))
        console.print(f"[red]✗[/] {variant} flips, by rounds: {rounds}")
    if not flips and len({row.seed for row in rows}) > 1:
        console.print(f"[green]✓[/] no verdict flipped in {len(rows)} runs")


def _over(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def expected(variant: str) -> str:
    """The verdict that a variant must get."""
    return "pass" if variant.startswith("solution") else "fail"


def _check_line(folder: Path, variant: str) -> None:
    """Refuse (FL127) a line of safety whose objective the scenario has not."""
    from faultline import catalogue, safety_lines
    from faultline.cli import _verified

    if (line := catalogue.safety_line(folder, variant)) is not None:
        safety_lines.check_objective(line, [each.name for each in _verified.spec_of(folder).objectives])


def _one(cluster: Cluster, lab: Lab, variant: str, seed: int) -> Row:
    from faultline.cli import _experiment, _labs, _usage, _verified
    from faultline.report import missed

    console.print(f"\n[bold]{variant}[/], round {seed}: must {expected(variant)}")
    folder = _labs.scenario_folder(lab.slug)
    _check_line(folder, variant)
    _experiment.deploy(cluster, lab, variant)
    result = _experiment.experiment(cluster, lab, variant, seed=seed)
    status = result.run.status
    started, ended = status.started or 0.0, status.ended or 0.0
    memory, cores = _usage.lab_at_most(cluster, lab.name, started, ended)
    return _verified.Row(
        variant=variant,
        digest=_verified.variant_digest(folder, variant),
        engine=_verified.engine_digest(folder),
        seed=seed,
        run=result.run.name,
        ended=ended,
        verdict=status.verdict or "",
        expected=expected(variant),
        score=status.score,
        caught_by=_verified.caught_by(folder, variant),
        lost=[each.name for each in missed(status)],
        measured={each.name: each.value for each in status.objectives},
        reasons=status.reasons,
        retries=result.retries,
        run_seconds=round(ended - started, 1),
        memory_bytes=memory,
        cores=cores,
    )


def _print(rows: Sequence[Row]) -> None:
    from rich.table import Table

    from faultline.cli._show import verdict

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("  variant", "round", "score", "verdict", "expected", "retries"):
        table.add_column(title, no_wrap=True, overflow="fold")
    lost = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        mark = "[green]✓[/]" if row.as_expected else "[red]✗[/]"
        score = "-" if row.score is None else str(row.score)
        texts = [str(row.seed), score, verdict(row.verdict), row.expected, str(row.retries)]
        table.add_row(f"{mark} {row.variant}", *texts)
        if row.lost:
            lost.add_row(f"  {row.variant}", f"[dim]{row.seed}[/]", ", ".join(row.lost))
    console.print(table, soft_wrap=False)
    if lost.row_count:
        console.print("\nobjectives that were missed, by variant and round")
        console.print(lost, soft_wrap=False)
