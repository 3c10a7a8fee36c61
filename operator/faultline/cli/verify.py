"""`faultline verify`: a scenario proves its own verdicts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faultline.cli.base import EXIT_FAIL, ContextOption, Output, OutputOption, ScenarioArgument, console, emit

if TYPE_CHECKING:
    from faultline.cli._cluster import Cluster
    from faultline.cli._labs import Lab


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(verify)


def verify(
    slug: ScenarioArgument = None,
    repeat: Annotated[int, typer.Option(min=1, max=100, help="runs of each variant")] = 1,
    budget: Annotated[float | None, typer.Option(min=1, help="seconds after which no further run is started")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--variant", help="only these: flawed, solution, wrong/NAME")
    ] = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Prove a scenario: its flawed app fails, each solution passes, each wrong fix fails.

    Deploys each of them in a lab of its own and grades it; writes reports/verify-SLUG.json. Exit status 0 only when
    every verdict is the expected one, and each wrong fix misses the objective that its wrong.yaml names.
    """
    from faultline import catalogue
    from faultline.cli import _experiment, _labs, _record
    from faultline.cli._cluster import Cluster

    cluster = Cluster.open(context)
    slug = slug or _labs.only_slug(cluster)
    wanted = only or catalogue.variants(_labs.scenario_folder(slug))
    deadline = time.monotonic() + budget if budget else None
    rows: list[dict[str, Any]] = []
    with _experiment.own_lab(cluster, slug, f"verify-{slug}"[:40].rstrip("-"), "verify") as lab:
        for round_number in range(repeat):
            for variant in wanted:
                if deadline and time.monotonic() > deadline:
                    console.print(f"[yellow]the budget of {budget:g} s is used up[/]")
                    break
                rows.append(_one(cluster, lab, variant, round_number))
    _print(rows)
    missing = sorted(set(wanted) - {each["variant"] for each in rows})
    good = all(each["as_expected"] for each in rows) and not missing
    data = {"slug": slug, "as_expected": good, "not_run": missing, "runs": rows}
    _record.write_json(f"verify-{slug}.json", data)
    if missing:
        console.print(f"[red]✗[/] not run: {', '.join(missing)}")
    emit(data, output)
    if not good:
        raise typer.Exit(EXIT_FAIL)


def expected(variant: str) -> str:
    """The verdict that a variant must get."""
    return "pass" if variant.startswith("solution") else "fail"


def caught_by(folder: Path, variant: str) -> str | None:
    """The objective that must catch a wrong fix, as its wrong.yaml says; None for what is none."""
    import yaml

    if not variant.startswith("wrong/"):
        return None
    return str(yaml.safe_load((folder / variant / "wrong.yaml").read_text(encoding="utf-8"))["objective"])


def _one(cluster: Cluster, lab: Lab, variant: str, round_number: int) -> dict[str, Any]:
    from faultline.cli import _experiment, _labs

    console.print(f"\n[bold]{variant}[/], round {round_number + 1}: must {expected(variant)}")
    _experiment.deploy(cluster, lab, variant)
    result = _experiment.experiment(cluster, lab, variant, seed=round_number + 1)
    status = result.run.status
    lost = [each.name for each in status.objectives if not each.met]
    catcher = caught_by(_labs.scenario_folder(lab.slug), variant)
    return {
        "variant": variant,
        "round": round_number + 1,
        "run": result.run.name,
        "score": status.score,
        "verdict": status.verdict,
        "expected": expected(variant),
        "caught_by": catcher,
        "as_expected": status.verdict == expected(variant) and (catcher is None or catcher in lost),
        "retries": result.retries,
        "run_seconds": result.run.seconds,
        "lost": lost,
        "reasons": status.reasons,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from faultline.cli._show import verdict

    table = Table(box=None, padding=(0, 3, 0, 0))
    for title in ("variant", "round", "score", "verdict", "expected", "retries", "lost"):
        table.add_column(title)
    for row in rows:
        mark = "[green]✓[/]" if row["as_expected"] else "[red]✗[/]"
        score = "-" if row["score"] is None else str(row["score"])
        texts = [str(row["round"]), score, verdict(row["verdict"]), row["expected"], str(row["retries"])]
        table.add_row(f"{mark} {row['variant']}", *texts, ", ".join(row["lost"]))
    console.print(table, soft_wrap=False)
