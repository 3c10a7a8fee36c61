"""`faultline diagnose`: a claim before the fix, scored by the run after it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from faultline.cli.base import ContextOption, Output, OutputOption, SlugArgument, emit

if TYPE_CHECKING:
    from faultline.api.run import RunStatus
    from faultline.cli._labs import Lab
    from faultline.diagnosis import Diagnosis
    from faultline.progress import Claim, Direction, ScenarioProgress, Store


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(diagnose)


def diagnose(
    slug: SlugArgument = None,
    cause: Annotated[str | None, typer.Option(help="one of the list")] = None,
    metric: Annotated[str | None, typer.Option(help="what your fix will move, one of the list")] = None,
    direction: Annotated[str | None, typer.Option(help="up or down")] = None,
    expect: Annotated[
        str | None, typer.Option(help="its value after your fix, in the unit of the list: 0.95 or 95% for a share, 12")
    ] = None,
    confidence: Annotated[str | None, typer.Option(help="how sure you are of the cause, in per cent")] = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Say what the cause is before you mend it; the next graded run of your changed code scores it.

    Without options: the causes to choose from, the metrics with their values now, and what you have claimed so far.
    """
    from faultline import diagnosis
    from faultline.cli import _diagnose, _labs, _runs
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import next_step
    from faultline.host.home import Home
    from faultline.progress import Store

    given = {"cause": cause, "metric": metric, "direction": direction, "expect": expect, "confidence": confidence}
    cluster = Cluster.open(context)
    lab = _labs.find(cluster, slug, None)
    file = diagnosis.load(_labs.scenario_folder(lab.slug))
    runs = _runs.runs(cluster, lab.name)
    store = Store(Home.from_environment().root)
    _diagnose.settle(lab, runs)
    concluded = [each for each in _diagnose.statuses(runs) if each[1].verdict in ("pass", "fail")]
    now = concluded[-1] if concluded else None
    if any(value is not None for value in given.values()):
        _diagnose.show_claim(_record(store, lab, file, now, given))
    else:
        _diagnose.show_choice(file, now[1] if now else None)
        for each in store.read().of(lab.slug).claims:
            _diagnose.show_score(file, each)
        if pending := store.read().of(lab.slug).pending:
            _diagnose.show_claim(pending)
    next_step(_following(lab, file, store.read().of(lab.slug), now))
    emit(_diagnose.as_json(lab.slug, file, store.read().of(lab.slug), now), output)


def _following(lab: Lab, file: Diagnosis, record: ScenarioProgress, now: tuple[str, RunStatus] | None) -> str:
    from faultline import workspace
    from faultline.cli import _diagnose, _next, _standing

    if record.passed is not None:
        return _next.scenario(_standing.read()[1])
    if record.pending:
        return f"edit {workspace.shown(lab.slug)} and {lab.command('fix')}"
    return _diagnose.example(lab.slug, file, now[1]) if now else lab.command("chaos")


def _record(
    store: Store, lab: Lab, file: Diagnosis, now: tuple[str, RunStatus] | None, given: dict[str, str | None]
) -> Claim:
    """Check a claim and keep it.

    Raises InvalidInput: FL133 to FL135 and FL136 for options that are missing or out of range; NotFound (FL215) without
    a run to start from; Conflict (FL411) once the learner's own code has passed.
    """
    from faultline import diagnosis
    from faultline.errors import Conflict, InvalidInput, NotFound

    missing = [f"--{name}" for name, value in given.items() if value is None]
    if missing:
        raise InvalidInput("FL136", f"a diagnosis needs {', '.join(missing)} as well", f"make diagnose S={lab.slug}")
    if now is None:
        raise NotFound("FL215", f"{lab.slug} has no graded run to diagnose", f"make chaos S={lab.slug}")
    cause, metric, direction, expect, confidence = (str(each) for each in given.values())
    with store.change() as progress:
        record = progress.of(lab.slug)
        if record.passed is not None:
            raise Conflict(
                "FL411", f"your code has passed {lab.slug}: a diagnosis comes before the fix", "make progress"
            )
        made = diagnosis.claim(
            file,
            now,
            cause=cause,
            metric=metric,
            direction=_direction(direction),
            expect=expect,
            confidence=_percent(confidence),
            now=time.time(),
        )
        record.claims.append(made)
    return made


def _direction(text: str) -> Direction:
    from faultline.errors import InvalidInput

    match text:
        case "up" | "down":
            return text
    raise InvalidInput("FL136", f"--direction must be up or down, got {text}", "change it")


def _percent(text: str) -> int:
    from faultline.errors import InvalidInput

    bare = text.removesuffix("%")
    if not bare.isdecimal() or int(bare) > 100:
        raise InvalidInput("FL136", f"--confidence must be a whole number from 0 to 100, got {text}", "change it")
    return int(bare)
