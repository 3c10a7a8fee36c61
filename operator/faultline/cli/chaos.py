"""`faultline chaos`, `stop`: runs begin and end."""

from __future__ import annotations

from typing import Annotated

import typer

from faultline.cli.base import ContextOption, NameOption, Output, OutputOption, SlugArgument, console, emit
from faultline.names import MAX_SEED


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(chaos)
    app.command()(stop)


def chaos(
    slug: SlugArgument = None,
    name: NameOption = None,
    seed: Annotated[int | None, typer.Option(min=0, max=MAX_SEED, help="same seed, same plan and arrivals")] = None,
    repeat: Annotated[int, typer.Option(min=1, max=100, help="runs, one after the other")] = 1,
    wait: Annotated[bool, typer.Option(help="follow the run to its score")] = True,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Run load and faults against a lab, and watch.

    A second one while a run is under way queues. Ctrl-C stops the watching, not the run.
    """
    from faultline.cli import _follow, _labs, _publish, _record, _run_json, _runs
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import duration, next_step

    cluster = Cluster.open(context)
    lab = _labs.find(cluster, slug, name)
    _publish.folder(cluster, _labs.scenario_folder(lab.slug))
    finished = []
    for _ in range(repeat):
        ahead = _runs.under_way(cluster)
        run = _runs.start(cluster, lab, seed)
        console.print(f"{run.name}: about {duration(_runs.total_seconds(lab))} to the score")
        if ahead:
            console.print(f"  queued behind {', '.join(each.name for each in ahead)}: one run at a time")
        if wait:
            run = _follow.follow(cluster, lab, run)
            _record.keep(lab, run)
            _follow.tell_end(run)
            _follow.tell_lost(run)
        finished.append(run)
    # Of a run that came to nothing its reasons are all that there is to see.
    command = lab.command("chaos" if finished[-1].status.verdict == "inconclusive" else "grade")
    next_step(command)
    emit({"runs": [_run_json.as_json(each) for each in finished], "next": command}, output)


def stop(
    slug: SlugArgument = None,
    name: NameOption = None,
    everything: Annotated[bool, typer.Option("--all", help="in all labs")] = False,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """End all faults of a lab at once, and its run under way with them. Queued runs go, too.

    With --all in every lab, also while the API server of the lab's own cluster is down: by way of its nodes.
    """
    from faultline.cli._emergency import NodeStop

    # Before the Kubernetes client is loaded: that takes a second on a busy machine.
    nodes = NodeStop.begin() if everything and context is None else None

    from faultline.cli import _labs, _stop
    from faultline.cli._cluster import Cluster
    from faultline.cli._show import next_step
    from faultline.errors import Unreachable

    if everything:
        ended = _stop.stop_all(lambda: Cluster.open(context), nodes)
    else:
        cluster = Cluster.open(context)
        ended = _stop.stop(cluster, [_labs.find(cluster, slug, name).name])
    for each in ended:
        if each.problem:
            console.print(f"[red]✗[/] {each.lab}: {each.problem}")
        else:
            way = " (by way of the node)" if each.by_node else ""
            console.print(f"[green]✓[/] {each.lab}: faults ended: {', '.join(each.faults) or 'none was on'}{way}")
        for run in each.runs:
            console.print(f"[green]✓[/] {each.lab}: the run {run} is ended and deleted, without a score")
    emit({"labs": [each.as_json() for each in ended]}, output)
    failed = [each for each in ended if each.problem]
    if failed:
        raise Unreachable(
            "FL605",
            f"not every injector answered: {', '.join(each.lab for each in failed)}; their leases run out in 3 s",
            "make stop, again; make doctor",
        )
    next_step("make status")
