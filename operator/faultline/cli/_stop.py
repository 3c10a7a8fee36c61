"""The emergency stop: every injector is told at once, in parallel, whether or not the operator is up."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from faultline.cli import _runs
from faultline.cli._cluster import Cluster
from faultline.cli._runs import RUNS
from faultline.errors import NotReady, Unreachable
from faultline.names import INJECTOR_PORT, harness_namespace

STOP_SECONDS = 4.0
"""The injector's own bound is 2 s."""


@dataclass
class Stopped:
    """What ended in one lab."""

    lab: str
    faults: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def stop(cluster: Cluster, labs: Sequence[str]) -> list[Stopped]:
    """End the faults of these labs, then delete their runs that are not done.

    The faults come first: deleting a Run needs a live operator to end them, the injector needs nobody.
    """
    if not labs:
        return []
    with ThreadPoolExecutor(max_workers=min(16, len(labs))) as pool:
        ended = list(pool.map(lambda lab: _stop_one(cluster, lab), labs))
    by_lab = {each.lab: each for each in ended}
    for run in _runs.under_way(cluster):
        if run.scenario in by_lab and cluster.delete(f"{RUNS}/{run.name}"):
            by_lab[run.scenario].runs.append(run.name)
    return ended


def _stop_one(cluster: Cluster, lab: str) -> Stopped:
    try:
        secret = cluster.get(f"/api/v1/namespaces/{harness_namespace(lab)}/secrets/harness")
        if secret is None:
            return Stopped(lab)  # the harness is not up (yet): there is nothing that could inject a fault
        token = base64.b64decode(secret["data"]["token"]).decode()
        answer = cluster.service(
            "POST", harness_namespace(lab), "edges", INJECTOR_PORT, "/stop", token=token, timeout=STOP_SECONDS
        )
        return Stopped(lab, faults=[str(each) for each in answer["ended"]])
    except (Unreachable, NotReady) as error:
        return Stopped(lab, problem=error.message)
