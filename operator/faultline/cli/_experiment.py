"""One experiment after the other without a person: deploy a variant, run, retry what was inconclusive.

What demo, verify and benches share. They use a Scenario name of their own, so nobody's lab or progress is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from faultline import catalogue
from faultline.cli import _deploy, _follow, _labs, _runs, _ship, _stop
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.cli._runs import RunView
from faultline.cli._show import Line
from faultline.cli.base import console
from faultline.errors import Conflict
from faultline.names import LABEL_BY

TRIES = 3
"""An inconclusive run is tried at most twice again."""


@dataclass(frozen=True)
class Result:
    """A variant's last run, and how many runs before it were inconclusive."""

    variant: str
    run: RunView
    retries: int


@contextmanager
def own_lab(cluster: Cluster, slug: str, name: str, by: str, *, keep: bool = False) -> Iterator[Lab]:
    """A Ready lab of `slug` under a name of our own, deleted at the end, also after an error or Ctrl-C.

    Raises Conflict (FL406) when somebody else's lab has the name.
    """
    there = cluster.get(f"{_labs.SCENARIOS}/{name}")
    if there and (there["metadata"].get("labels") or {}).get(LABEL_BY) != by:
        raise Conflict(
            "FL406", f"{name} is the name of a lab of yours, and {by} needs it", f"faultline delete --name {name}"
        )
    try:
        with Line() as line:
            if there:  # left by one that was killed, perhaps with another version of the folder
                _stop.stop(cluster, [name])
                _deploy.delete(cluster, name, line)
            _deploy.apply(cluster, slug, name, by)
            lab = _deploy.wait_ready(cluster, name, line)
        yield lab
    finally:
        if not keep:
            _clear(cluster, name)


def _clear(cluster: Cluster, name: str) -> None:
    """End its faults, delete it; its namespaces end in the background."""
    _stop.stop(cluster, [name])
    cluster.delete(f"{_labs.SCENARIOS}/{name}")


def deploy(cluster: Cluster, lab: Lab, variant: str) -> None:
    """Put a version of the catalogue's code into the lab and wait until it serves."""
    code = catalogue.version(_labs.scenario_folder(lab.slug), variant)
    now = _labs.find(cluster, None, lab.name)  # Since `lab` was read other code may have come.
    _ship.make_way(cluster, lab, _ship.deployed_files(cluster, now), code.files)
    _ship.ship(cluster, lab, code)
    with Line() as line:
        _ship.wait_serving(cluster, now, code, line)


def experiment(cluster: Cluster, lab: Lab, variant: str, seed: int | None = None) -> Result:
    """Run `variant`, which is deployed, until a run is conclusive, at most TRIES times, each announced.

    Raises Conflict (FL407) when a run graded something else: its figures would stand under the wrong name.
    """
    for retries in range(TRIES):
        run = _follow.follow(cluster, lab, _runs.start(cluster, lab, seed))
        status = run.status
        graded = status.code.variant if status.code else ""
        if graded != variant:
            raise Conflict(
                "FL407",
                f"{run.name} graded {graded or 'nothing'} and was to grade {variant}",
                f"leave the lab {lab.name} alone meanwhile, then run the command again",
            )
        _follow.tell_end(run, variant)
        if status.verdict != "inconclusive" or retries + 1 == TRIES:
            break
        console.print(f"try {retries + 2} of {TRIES}")
    return Result(variant, run, retries)
