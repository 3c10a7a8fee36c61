"""`faultline brief`, `kubeconfig`: a task for somebody, or some program, that is not to see the answer."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from faultline.cli.base import ContextOption, NameOption, Output, OutputOption, SlugArgument, console, emit
from faultline.errors import InvalidInput

TEN_MINUTES, A_DAY = 600, 86_400
"""The API server issues no token for less; more than a day is more than a session."""


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(brief)
    app.command()(kubeconfig)


def brief(
    slug: SlugArgument = None,
    opaque: Annotated[bool, typer.Option("--opaque", help="do not say which scenario it is")] = False,
    name: NameOption = None,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Give a scenario's task as an outsider gets it: symptom, system, what must hold, access. No answer.

    With `--opaque` it has a name that hides the slug and is the same each time; deploy it under that name by
    `faultline apply SLUG --name NAME`.
    """
    from faultline import brief as task
    from faultline.cli import _labs
    from faultline.cli._cluster import Cluster
    from faultline.host.home import Home
    from faultline.lint import Folder

    slug = slug or _labs.only_slug(Cluster.open(context))
    folder = Folder(_labs.scenario_folder(slug))
    hidden = task.opaque_name(slug, Home.from_environment().root) if opaque else slug
    found = task.brief(folder, name or hidden, opaque=opaque)
    _print(found)
    emit(found, output)


def _print(found: dict[str, Any]) -> None:
    console.print(f"[bold]{found.get('title', found['name'])}[/]\n")
    console.print(f"{found['symptom']}\n", markup=False)
    for each in found["system"]["services"]:
        calls = ", ".join(each["calls"]) or "nobody"
        whose = "" if each["yours"] else " (not yours to change)"
        console.print(f"  {each['name']}{whose} calls {calls}", markup=False)
    for each in found["system"]["data_stores_off"]:
        console.print(f"  {each} is switched off", markup=False)
    load = found["load"]
    rate, wait = load["requests_per_second"], load["answer_within_seconds"]
    entry = found["system"]["entry"]
    console.print(f"\n{entry} gets up to {rate:g} requests a second, each to be answered within {wait:g} s.")
    console.print(f"{found['pass_mark']} of 100 points pass. What must hold:")
    for each in found["must_hold"]:
        console.print(f"  - {each}", markup=False)
    console.print("\nAccess:")
    for key, value in found["access"].items():
        console.print(f"  {key:<10} {value}", markup=False)


def kubeconfig(
    slug: SlugArgument = None,
    name: NameOption = None,
    learner: Annotated[
        bool, typer.Option("--learner", help="for one lab's inside: no solution, no objective, nothing to change")
    ] = False,
    hours: Annotated[float, typer.Option(min=TEN_MINUTES / 3600, max=A_DAY / 3600, help="how long it is good for")] = 8,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Print a kubeconfig: the cluster's own, with all rights, or with `--learner` one for a lab's inside.

    The learner's sees pods, logs, Services and events of the lab, runs commands in its pods, asks Prometheus through
    the API server and starts runs of this lab. It reads no Scenario, Run, ConfigMap or Secret anywhere.
    """
    import yaml

    from faultline.cli import _labs, _learner
    from faultline.cli._cluster import Cluster
    from faultline.host.home import Home

    cluster = Cluster.open(context)
    if learner:
        found = _learner.kubeconfig(cluster, _labs.find(cluster, slug, name), round(hours * 3600))
    elif context:
        raise InvalidInput("FL125", f"the kube context {context} has a kubeconfig of yours already", "add --learner")
    else:
        found = yaml.safe_load(Home.from_environment().kubeconfig.read_text(encoding="utf-8"))
    if output is Output.TEXT:
        print(yaml.safe_dump(found, sort_keys=False), end="")
    emit(found, output)
