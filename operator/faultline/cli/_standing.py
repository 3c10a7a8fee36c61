"""How far one is in the catalogue, from this host's files alone: it is shown without a cluster as well."""

from __future__ import annotations

from typing import Any

from faultline import curriculum, learning
from faultline.cli import _labs
from faultline.cli._show import wrapped
from faultline.cli.base import console
from faultline.host.home import Home
from faultline.learning import Lesson, Standing
from faultline.progress import Progress, Store


def lessons() -> list[Lesson]:
    """Every scenario of the checkout, as the path sees it."""
    return curriculum.lessons(_labs.scenarios_root())


def read() -> tuple[Progress, Standing]:
    """What is on record, and where that puts one."""
    progress = Store(Home.from_environment().root).read()
    return progress, learning.standing(lessons(), progress)


def show(progress: Progress, standing: Standing) -> None:
    """Two lines: how many of each tier, and what comes next."""
    tiers = ", ".join(f"{each.name} {each.passed} of {each.total}" for each in standing.tiers if each.total)
    wrapped(f"[bold]{standing.passed} of {standing.total}[/] scenarios passed  [dim]{tiers}[/]", 0)
    if standing.next:
        record = progress.of(standing.next.slug)
        best = f", best so far {record.best}" if record.best is not None else ""
        console.print(f"  take up [bold]{standing.next.slug}[/]: {standing.next.why}{best}")
    elif standing.total:
        console.print("  [green]all of them[/]")


def as_json(standing: Standing) -> dict[str, Any]:
    """For programs."""
    return {
        "passed": standing.passed,
        "total": standing.total,
        "tiers": {each.name: {"passed": each.passed, "total": each.total} for each in standing.tiers},
        "next": {"slug": standing.next.slug, "why": standing.next.why} if standing.next else None,
    }
