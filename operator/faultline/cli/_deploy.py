"""Brings labs into the cluster and out again: what apply, demo, verify and the benches have in common."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from faultline.cli import _labs, _publish
from faultline.cli._cluster import Cluster
from faultline.cli._labs import SCENARIOS, Lab
from faultline.cli._show import Line, duration
from faultline.errors import FaultlineError, NotReady
from faultline.manifests import applied, three_way
from faultline.names import LABEL_BY, lab_namespace

POLL_SECONDS = 0.25
PODS_SECONDS = 1.0
"""How often the pods are listed for the eye: on a small machine that costs the lab what it needs to come up."""
READY_SECONDS = 180.0
FAILED_SECONDS = 15.0
"""How long a lab must be Failed before it is given up: on a busy machine an app may start before its database does."""


def apply(cluster: Cluster, slug: str, name: str, by: str = "") -> Lab:
    """Create or change the Scenario object `name` from the folder `slug`, as `kubectl apply` does.

    `by` marks an object that a command makes for itself. Raises InvalidInput for a field that breaks a rule.
    """
    from faultline.validation import scenario_object

    folder = _labs.scenario_folder(slug)
    manifest = scenario_object(folder / "scenario.yaml")
    _publish.folder(cluster, folder)
    manifest["metadata"]["name"] = name
    if by:
        manifest["metadata"].setdefault("labels", {})[LABEL_BY] = by
    live = cluster.get(f"{SCENARIOS}/{name}")
    if live is None:
        return Lab(cluster.create(SCENARIOS, applied(manifest)))
    return Lab(cluster.patch(f"{SCENARIOS}/{name}", three_way(live, manifest)))


def wait_ready(cluster: Cluster, name: str, line: Line, seconds: float = READY_SECONDS) -> Lab:
    """Wait until the lab is Ready, showing which pods are up.

    Raises NotReady: FL311 with the operator's reason when it failed, FL312 with the pods that are not up in time.
    """
    began = worked = time.monotonic()
    pods: list[dict[str, Any]] = []
    looked = 0.0
    while True:
        lab = _labs.find(cluster, None, name)
        if lab.ready:
            return lab
        condition = lab.condition("Ready")
        if lab.status.get("phase") != "Failed" or lab.status.get("observedGeneration") != lab.generation:
            worked = time.monotonic()
        elif time.monotonic() - worked >= FAILED_SECONDS:
            reason = condition.get("message") or lab.status.get("message") or "no reason was given"
            raise NotReady("FL311", f"the lab {name} did not come up: {reason}", f"kubectl describe scenario {name}")
        if time.monotonic() - looked >= PODS_SECONDS:
            pods = _labs.app_pods(cluster, name) + _labs.harness_pods(cluster, name)
            looked = time.monotonic()
        waited = time.monotonic() - began
        if waited > seconds:
            raise _late(name, seconds, lab, pods)
        line.update(f"{pods_up(pods)}  [dim]{duration(waited)}[/]")
        time.sleep(POLL_SECONDS)


def pods_up(pods: Iterable[dict[str, Any]]) -> str:
    """What is up and what is not yet, as a part of a line."""
    names = {_labs.app_of(each): _labs.is_ready(each) for each in pods}
    return (
        " ".join(f"[green]{name}[/]" if up else f"[dim]{name}…[/]" for name, up in sorted(names.items())) or "deploying"
    )


def _late(name: str, seconds: float, lab: Lab, pods: list[dict[str, Any]]) -> FaultlineError:
    from faultline.lab.problems import explain

    found = [str(each) for each in explain(pods)] or [lab.status.get("message") or "the operator has not deployed it"]
    return NotReady(
        "FL312",
        f"the lab {name} was not Ready within {seconds:.0f} s:\n  " + "\n  ".join(found),
        f"kubectl get pods -n {lab_namespace(name)}; kubectl describe scenario {name}",
    )


def delete(cluster: Cluster, name: str, line: Line, seconds: float = 60) -> bool:
    """Delete a Scenario and wait until its namespaces are gone; False when there was none."""
    if not cluster.delete(f"{SCENARIOS}/{name}"):
        return False
    began = time.monotonic()
    while any(cluster.get(f"/api/v1/namespaces/{kind}-{name}") for kind in ("lab", "harness")):
        if time.monotonic() - began > seconds:
            raise NotReady(
                "FL314",
                f"the namespaces of {name} are not gone after {seconds:.0f} s",
                f"kubectl get ns lab-{name} -o yaml",
            )
        line.update(f"the pods of {name} end  [dim]{duration(time.monotonic() - began)}[/]")
        time.sleep(POLL_SECONDS)
    return True
