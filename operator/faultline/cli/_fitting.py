"""Which hints fit what happens in a lab: the conditions of their rungs, asked of its Prometheus."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from faultline import hints
from faultline.cli import _labs, _prometheus, _runs
from faultline.cli._cluster import Cluster
from faultline.cli.base import console
from faultline.errors import FaultlineError
from faultline.hints import Rung


def fitting(slug: str, rungs: Sequence[Rung], shown: Collection[int], context: str | None) -> list[int]:
    """The rungs not shown yet whose condition held in the newest run of what is deployed, up to now or to its end.

    None without such a run. A lab that cannot be asked is no reason to give no hint: it is said, and none fits.
    """
    numbers = hints.waiting(rungs, shown)
    if not numbers:
        return []
    try:
        cluster = Cluster.open(context)
        lab = _labs.find(cluster, slug, None)
        run = _runs.of_deployed(cluster, lab)
        if run is None or run.status.mark is None:
            return []
        end = run.status.ended or time.time()
        seconds = end - run.status.mark
        return [each for each in numbers if _holds(cluster, rungs[each - 1].query(lab.name, seconds), end)]
    except FaultlineError as error:
        console.print(f"[dim]the lab was not asked what happens in it: {error.message}[/]")
        return []


def _holds(cluster: Cluster, query: str, at: float) -> bool:
    return bool(_prometheus.instant(cluster, query, at))
