"""A learner's claims on the terminal, and when a run settles one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from faultline import diagnosis
from faultline.api.run import RunStatus
from faultline.cli import _labs
from faultline.cli._labs import Lab
from faultline.cli._runs import RunView
from faultline.cli.base import console
from faultline.diagnosis import Diagnosis
from faultline.host.home import Home
from faultline.progress import Claim, ScenarioProgress, Store
from faultline.report.quantity import quantity

MOVED = {"up": "went up", "down": "went down", "still": "did not move"}
CAUSES = {1.0: "[green]right[/]", 0.5: "[yellow]a near miss[/]", 0.0: "[red]not it[/]"}


def settle(lab: Lab, runs: Sequence[RunView]) -> None:
    """Score the claim that waits for its run, if one of these (oldest first) can say, and show the score."""
    store = Store(Home.from_environment().root)
    if lab.name != lab.slug or not lab.is_own or store.read().of(lab.slug).pending is None:
        return
    file = diagnosis.load(_labs.scenario_folder(lab.slug))
    found = None
    with store.change() as progress:
        record = progress.of(lab.slug)
        made = record.pending  # Another command may have scored it meanwhile.
        found = diagnosis.scored(file, made, statuses(runs)) if made else None
        if found:
            record.claims[-1] = found
    if found:
        show_score(file, found)


def statuses(runs: Sequence[RunView]) -> list[tuple[str, RunStatus]]:
    """Names and statuses of the runs that are done."""
    return [(each.name, each.status) for each in runs if each.done]


def show_choice(file: Diagnosis, now: RunStatus | None) -> None:
    """The causes to choose from, and the metrics with their values now."""
    console.print("[bold]What is the cause?[/]  [dim]--cause[/]")
    causes = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for name, cause in file.causes.items():
        causes.add_row(f"[cyan]{name}[/]", escape(cause.text))
    console.print(causes, soft_wrap=False)
    console.print(
        "\n[bold]What will your fix move?[/]  [dim]--metric, --direction up or down, --expect its value then[/]"
    )
    metrics = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for name, metric in file.metrics.items():
        found = diagnosis.of(now, metric.objective) if now else None
        value = quantity(found.value, found.unit) if found else "-"
        typed = f"[dim]{diagnosis.form(found.unit)}[/]" if found else ""
        metrics.add_row(f"[cyan]{name}[/]", escape(metric.objective), f"now {value}", typed)
    console.print(metrics, soft_wrap=False)
    console.print("\n[bold]How sure are you of the cause?[/]  [dim]--confidence 0 to 100[/]")


def example(slug: str, file: Diagnosis, now: RunStatus) -> str:
    """A whole claim to fill in: the first metric that is short of its target gets there."""
    known = [(name, diagnosis.of(now, each.objective)) for name, each in file.metrics.items()]
    short = [(name, each) for name, each in known if each and each.value not in (None, each.target)]
    metric, direction, expect = next(iter(file.metrics)), "up", "NUMBER"
    for name, each in short[:1]:
        metric, direction = name, "up" if each.target > (each.value or 0.0) else "down"
        expect = f"{each.target:.4g}"
    claim = f"--metric {metric} --direction {direction} --expect {expect} --confidence 70"
    return f"faultline diagnose {slug} --cause CAUSE {claim}"


def show_claim(made: Claim) -> None:
    """What is on record and not scored yet."""
    console.print(
        f"on record: [cyan]{made.cause}[/], {made.confidence}% sure; [cyan]{made.metric}[/] goes {made.direction} from "
        f"{quantity(made.before, made.unit)} to {quantity(made.expected, made.unit)}"
    )
    console.print("  [dim]scored by the next graded run of your changed code; until then you may change your mind[/]")


def show_score(file: Diagnosis, made: Claim) -> None:
    """What the run said."""
    score = made.score
    if score is None:
        return
    console.print(f"\n[bold]Your diagnosis: {score.points} of 100[/]  [dim]scored by {score.run}[/]")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for part, said in (
        ("cause", f"{made.cause}: {CAUSES[score.cause]}"),
        ("direction", f"{made.metric}: you said {made.direction}, it {MOVED[score.moved]}"),
        ("number", f"you said {quantity(made.expected, made.unit)}, it is {quantity(score.after, made.unit)}"),
        ("confidence", f"{made.confidence}% sure"),
    ):
        points = getattr(score, part) * diagnosis.WEIGHTS[part]
        table.add_row(part, f"{points:.3g} of {diagnosis.WEIGHTS[part]}", said)
    console.print(table, soft_wrap=False)
    if made.cause in file.causes:
        console.print(f"  {escape(file.causes[made.cause].why)}")


def as_json(slug: str, file: Diagnosis, record: ScenarioProgress, now: tuple[str, RunStatus] | None) -> dict[str, Any]:
    """For programs: the choice, and what is on record. Which cause is right is told for those that were scored."""
    metrics = {}
    for name, metric in file.metrics.items():
        found = diagnosis.of(now[1], metric.objective) if now else None
        metrics[name] = {
            "objective": metric.objective,
            "unit": found.unit if found else None,
            "now": found.value if found else None,
            "target": found.target if found else None,
        }
    return {
        "slug": slug,
        "run": now[0] if now else None,
        "causes": {name: cause.text for name, cause in file.causes.items()},
        "metrics": metrics,
        "claims": [_claim_json(file, each) for each in record.claims],
        "points": record.diagnosis,
    }


def _claim_json(file: Diagnosis, made: Claim) -> dict[str, Any]:
    why = file.causes[made.cause].why if made.score and made.cause in file.causes else None
    return {**made.model_dump(mode="json"), "why": why}
