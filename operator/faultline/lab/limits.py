"""Pods start with a whole core and get their own limit once they are Ready.

A limit of 150m, which a scenario teaches by, would also make importing the app take 5 s and Postgres' first start 15 s.
So the chart gives each such container a core to start with and names its limit in an annotation; here the limit is set,
in place and without a restart, and a lab counts as ready only when each of its pods has it.

The annotation counts in cores of the reference machine (faultline.controller.speed): `scale` makes them this machine's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faultline.api.cpu import millis, scaled
from faultline.clients.kube import JSON_PATCH, Kube, path
from faultline.lab.problems import REQUEST_TIMEOUT, Json, answered, is_ready, pods_of
from faultline.names import ANNOTATION_CPU, ANNOTATION_FAULT, lab_namespace


@dataclass(frozen=True)
class Late:
    """A pod whose limit is not in force yet. `patch` sets it; None when that was asked for and the node is at it."""

    pod: str
    patch: list[dict[str, Any]] | None

    def __str__(self) -> str:
        return f"pod/{self.pod}: its CPU limit is not in force yet"


def tighten(kube: Kube, scenario: str, scale: float) -> list[str]:
    """Give each Ready pod of the lab its own CPU limit, times `scale`; what is not in force yet, in words.

    Blocks for as long as its few requests take (each bounded): call it in a thread. Raises Unreachable.
    """
    namespace = lab_namespace(scenario)
    late = [found for each in pods_of(kube, namespace, scenario) if (found := check(each, scale))]
    for each in late:
        if each.patch:
            _resize(kube, namespace, each.pod, each.patch)
    return [str(each) for each in late]


def check(pod: Json, scale: float) -> Late | None:
    """What is missing before the pod has the limit that its annotation names, as `CONTAINER=CPU`, times `scale`."""
    annotations = pod["metadata"].get("annotations", {})
    wish = annotations.get(ANNOTATION_CPU)
    if ANNOTATION_FAULT in annotations:
        # A fault has it on another limit, which the injector puts back, whatever dies.
        return None
    if not wish or "deletionTimestamp" in pod["metadata"] or not is_ready(pod):
        return None
    name, _, reference = wish.partition("=")
    cpu = scaled(reference, scale)
    index, spec = next((i, each) for i, each in enumerate(pod["spec"]["containers"]) if each["name"] == name)
    if millis(spec["resources"]["limits"]["cpu"]) != millis(cpu):
        where = f"/spec/containers/{index}"
        test = {"op": "test", "path": f"{where}/name", "value": name}
        change = {"op": "replace", "path": f"{where}/resources/limits/cpu", "value": cpu}
        return Late(pod["metadata"]["name"], [test, change])
    status = next(each for each in pod["status"]["containerStatuses"] if each["name"] == name)
    in_force = status.get("resources", {}).get("limits", {}).get("cpu", cpu)
    return None if millis(in_force) == millis(cpu) else Late(pod["metadata"]["name"], None)


def _resize(kube: Kube, namespace: str, pod: str, patch: list[dict[str, Any]]) -> None:
    where = path("Pod", pod, namespace) + "/resize"
    status, body = kube.request("PATCH", where, patch, content_type=JSON_PATCH, timeout=REQUEST_TIMEOUT)
    # Else it is gone since it was listed: its successor is seen at the next look.
    if status != 404:
        answered(status, body)
