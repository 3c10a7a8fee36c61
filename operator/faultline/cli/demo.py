"""`faultline demo`: the whole story on real parts, once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faultline.cli.base import EXIT_FAIL, ContextOption, Output, OutputOption, console, emit, spelled

if TYPE_CHECKING:
    from faultline.cli._cluster import Cluster
    from faultline.cli._experiment import Result
    from faultline.cli._labs import Lab

SLUG, NAME = "circuit-breakers", "demo"
REST_SECONDS = 60
"""Of a demo besides its two runs: set-up with warm caches, deploying, the roll-out of the solution."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(demo)


def demo(
    setup: Annotated[bool, typer.Option(help="set the machine up first, as `faultline up` does")] = True,
    keep: Annotated[bool, typer.Option("--keep", help="leave the demo's lab running")] = False,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Break a flawed shop, apply the reference solution, break it again, and compare.

    Uses a lab of its own. Exit status 0 only when the flawed app failed and the solution passed.
    """
    from faultline.cli import _experiment
    from faultline.cli._cluster import Cluster

    began = time.monotonic()
    _announce(setup and context is None)
    if setup and context is None:
        _set_up()
    cluster = Cluster.open(context)
    ready_began = time.monotonic()
    console.print(f"\n[bold]1. A lab of {SLUG}[/], called {NAME}: real services, Postgres, Redis")
    with _experiment.own_lab(cluster, SLUG, NAME, "demo", keep=keep) as lab:
        now = time.monotonic()
        times = {"setup_seconds": round(ready_began - began, 1), "lab_ready_seconds": round(now - ready_began, 1)}
        flawed, solution, fixing = _story(cluster, lab)
        title = str(lab.raw["spec"]["title"])
    times |= {"fix_serving_seconds": round(fixing, 2), "total_seconds": round(time.monotonic() - began, 1)}
    _finish(flawed, solution, title, times, keep, output, context)


def _announce(setup: bool) -> None:
    from faultline.cli import _labs, _runs
    from faultline.cli._show import duration
    from faultline.host.home import Home
    from faultline.validation import scenario_object

    manifest = scenario_object(_labs.scenario_folder(SLUG) / "scenario.yaml")
    run = _runs.total_seconds(_labs.Lab(manifest))
    console.print(f"This takes about {duration(2 * run + REST_SECONDS)}: two runs of about {duration(run)} each.")
    if setup and not Home.from_environment().kubeconfig.exists():
        console.print("The first set-up comes before it: 3 minutes where images can be pulled, else up to 21 minutes.")


def _set_up() -> None:
    from faultline.host.home import Home
    from faultline.host.up import up

    console.print("\n[bold]Set-up[/]")
    up(Home.from_environment(), console)


def _story(cluster: Cluster, lab: Lab) -> tuple[Result, Result, float]:
    from faultline.cli import _experiment
    from faultline.cli._show import duration

    console.print("\n[bold]2. The flawed app[/] under load, while payments are slow and then cut off")
    flawed = _experiment.experiment(cluster, lab, "flawed")
    console.print("\n[bold]3. The reference solution[/]: its code goes in, no image is built")
    began = time.monotonic()
    _experiment.deploy(cluster, lab, "solution")
    fixing = time.monotonic() - began
    console.print(f"[green]✓[/] it serves after {duration(fixing)}")
    console.print("\n[bold]4. The same faults again[/]")
    return flawed, _experiment.experiment(cluster, lab, "solution"), fixing


def _finish(
    flawed: Result,
    solution: Result,
    title: str,
    times: dict[str, float],
    keep: bool,
    output: Output,
    context: str | None,
) -> None:
    from faultline.cli import _events, _grade, _record
    from faultline.cli._show import duration, next_step
    from faultline.report import render

    records = [_events.told(context, _record.record(each.run, title)) for each in (flawed, solution)]
    command = f"make apply S={SLUG}"
    console.print()
    _grade.show_comparison(records, ["flawed", "solution"])
    page = _record.write_report("demo.html", render(records, next_command=command))
    data: dict[str, Any] = {"flawed": _as_json(flawed), "solution": _as_json(solution), **times}
    _record.write_json("demo.json", {**data, "report": _record.shown(page)})
    console.print(f"both runs as a page: [bold]{_record.shown(page)}[/]   in all {duration(times['total_seconds'])}")
    if keep:
        console.print(f"the lab {NAME} goes on: `{spelled(f'faultline delete --name {NAME}')}` removes it")
    else:
        console.print(f"the lab {NAME} and its runs are removed from the cluster; the page stays")
    proven = flawed.run.status.verdict == "fail" and solution.run.status.verdict == "pass"
    if proven:
        console.print("[green]✓[/] the flawed app failed and the solution passed; now it is your turn")
    else:
        console.print("[red]✗[/] expected the flawed app to fail and the solution to pass")
        command = "make doctor"
    next_step(command)
    emit({**data, "report": str(page), "proven": proven, "next": command}, output)
    if not proven:
        raise typer.Exit(EXIT_FAIL)


def _as_json(result: Result) -> dict[str, Any]:
    status = result.run.status
    summary = status.summary.model_dump(by_alias=False) if status.summary else {}
    return {
        "run": result.run.name,
        "score": status.score,
        "verdict": status.verdict,
        "run_seconds": round(result.run.seconds or 0, 1),
        "retries": result.retries,
        "reasons": status.reasons,
        **summary,
    }
