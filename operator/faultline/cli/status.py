"""Where one stands: `faultline status`, and `faultline` alone; `faultline env` for both commands by name."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any

import typer

from faultline.cli.base import ContextOption, Output, OutputOption, console, emit

if TYPE_CHECKING:
    from faultline.learning import Standing
    from faultline.progress import Progress


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(status)
    app.command()(env)


def status(output: OutputOption = Output.TEXT, context: ContextOption = None) -> None:
    """Show the labs, whose code they run, the run under way, the last scores and the next command."""
    from faultline.cli import _labs
    from faultline.cli._show import next_step

    rows = _rows(context)
    command = next((each["next"] for each in rows if each["own"]), f"make apply S={_labs.recommended()}")
    next_step(command)
    emit({"labs": rows, "next": command}, output)


def _rows(context: str | None) -> list[dict[str, Any]]:
    """The labs, printed and for programs."""
    from faultline.cli import _labs, _runs
    from faultline.cli._cluster import Cluster

    cluster = Cluster.open(context)
    labs, runs = _labs.labs(cluster), _runs.runs(cluster)
    rows = [_row(lab, [each for each in runs if each.scenario == lab.name]) for lab in labs]
    if rows:
        _print(rows)
    else:
        console.print("no lab is deployed")
    return rows


def _row(lab: Any, runs: list[Any]) -> dict[str, Any]:
    """One lab for the table and for programs."""
    from faultline.api.run import Phase
    from faultline.cli import _next, _runs

    now = time.time()
    current = [each for each in runs if not each.done]
    code = lab.status.get("code") or {}
    return {
        "lab": lab.name,
        "slug": lab.slug,
        "own": lab.is_own,
        "phase": lab.status.get("phase", "Pending"),
        "message": lab.status.get("message", ""),
        "code": code.get("variant"),
        "digest": code.get("digest"),
        "running": [
            {
                "run": each.name,
                "phase": each.status.phase.value,
                "left": _runs.phase_left(lab, each.status, now),
                "to_score": None if each.status.phase is Phase.QUEUED else _runs.run_left(lab, each.status, now),
            }
            for each in current
        ],
        "last": [
            {
                "run": each.name,
                "score": each.status.score,
                "verdict": each.status.verdict,
                "stopped": each.status.stopped,
                "code": _variant(each),
            }
            for each in [each for each in reversed(runs) if each.done][:3]
        ],
        "next": _next.of_lab(lab, runs),
    }


def _variant(run: Any) -> str | None:
    return run.status.code.variant if run.status.code else None


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from faultline.cli._show import verdict, wrapped

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("lab", "phase", "code", "running", "last verdicts"):
        table.add_column(title, no_wrap=title in ("lab", "phase"), overflow="fold")
    for row in rows:
        running = ", ".join(each["phase"] for each in row["running"]) or "-"
        last = ", ".join(
            verdict("stopped" if each["stopped"] else each["verdict"])
            + ("" if each["score"] is None else f" {each['score']}")
            for each in row["last"]
        )
        table.add_row(row["lab"], row["phase"], row["code"] or "-", running, last or "-")
    console.print(table, soft_wrap=False)
    for row in rows:
        if row["message"] and row["phase"] not in ("Ready", "Suspended"):
            wrapped(escape(f"{row['lab']}: {row['message']}"))
        for each in row["running"]:
            wrapped(f"[bold]{each['run']}[/] {_under_way(each)}")
        if row["last"]:
            wrapped(f"[dim]newest runs of {row['lab']}: {', '.join(each['run'] for each in row['last'])}[/]")


def _under_way(run: dict[str, Any]) -> str:
    from faultline.cli._show import duration

    if run["to_score"] is None:
        return "is queued"
    left = "" if run["left"] is None else f", {run['left']:.0f} s of it left"
    return f"is under way: {run['phase']}{left}, about {duration(run['to_score'])} to the score"


def env(output: OutputOption = Output.TEXT) -> None:
    """Print what a shell needs for faultline and kubectl by name: `eval "$(.venv/bin/faultline env)"`."""
    from faultline.host.home import Home
    from faultline.workspace import REPO

    home = Home.from_environment()
    places = {"PATH": f"{home.bin}:{REPO / '.venv/bin'}", "KUBECONFIG": str(home.kubeconfig)}
    if output is Output.TEXT:
        print(f'export PATH={shlex.quote(places["PATH"])}:"$PATH"')
        print(f"export KUBECONFIG={shlex.quote(places['KUBECONFIG'])}")
    emit(places, output)


def where(output: Output, context: str | None) -> None:
    """Print where one stands and the next command; without a cluster that is how to get one."""
    from faultline.cli import _standing
    from faultline.cli._show import next_step
    from faultline.errors import NotReady

    progress, standing = _standing.read()
    _standing.show(progress, standing)
    answer: dict[str, Any] = {"standing": _standing.as_json(standing)}
    try:
        rows = _rows(context)
        command = _after(rows, progress, standing)
        answer |= {"labs": rows, "next": command}
    except NotReady as error:
        if error.code not in ("FL301", "FL303", "FL304"):
            raise
        console.print(f"{error.message}\n`faultline --help` lists all commands")
        command = error.next_step
        answer |= {"labs": [], "next": command, "reason": error.message}
    next_step(command)
    emit(answer, output)


def _after(rows: list[dict[str, Any]], progress: Progress, standing: Standing) -> str:
    """What to type now: what the lab that one worked on last needs until it is passed, else the next scenario."""
    from faultline import learning
    from faultline.cli import _next

    own = [each for each in rows if each["own"] and progress.of(each["slug"]).passed is None]
    if own:
        return str(max(own, key=lambda each: learning.touched(progress, each["slug"]))["next"])
    return _next.scenario(standing)
