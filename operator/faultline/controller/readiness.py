"""Whether what was deployed is what runs: each workload available, at its newest generation."""

from __future__ import annotations

from faultline.clients.kube import Json, path
from faultline.controller.api import Api
from faultline.names import LABEL_SCENARIO, harness_namespace, lab_namespace


async def workloads(api: Api, scenario: str) -> list[Json]:
    """Deployments and StatefulSets of a lab and its harness."""
    found: list[Json] = []
    for namespace in (lab_namespace(scenario), harness_namespace(scenario)):
        for kind in ("Deployment", "StatefulSet"):
            items = await api.items(path(kind, namespace=namespace), f"{LABEL_SCENARIO}={scenario}")
            found += [{**each, "kind": kind} for each in items]
    return found


def late(workload: Json) -> str | None:
    """What is still missing, as `deployment/NAME: 0 of 1 available`; None when all is there."""
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    wanted = spec.get("replicas", 1)
    name = f"{workload['kind'].lower()}/{workload['metadata']['name']}"
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return f"{name}: its change is not seen yet"
    if status.get("updatedReplicas", 0) < wanted:
        return f"{name}: {status.get('updatedReplicas', 0)} of {wanted} updated"
    available = status.get("availableReplicas", 0)
    if available < wanted:
        return f"{name}: {available} of {wanted} available"
    if status.get("replicas", 0) > wanted:
        return f"{name}: {status['replicas'] - wanted} old still there"
    return None


def all_late(found: list[Json]) -> list[str]:
    """Of all workloads, what is still missing. No workload at all is late, too."""
    return [text for each in found if (text := late(each))] if found else ["nothing is deployed yet"]
