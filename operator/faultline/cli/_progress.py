"""Keeps the learner's progress on this host and the dashboard's copy in the cluster the same."""

from __future__ import annotations

from faultline.catalogue import CONFIGMAPS
from faultline.cli._cluster import Cluster
from faultline.clients.kube_objects import Json
from faultline.errors import Conflict
from faultline.host.home import Home
from faultline.names import PROGRESS_CONFIGMAP, PROGRESS_KEY, SYSTEM_NAMESPACE
from faultline.progress import Progress, Store, from_cluster

TRIES = 5


def sync(cluster: Cluster) -> Progress:
    """Merge both copies and bring each up to date; what both know then. Two commands at once both count.

    Raises InvalidInput (FL116) for a damaged copy, Conflict (FL404) when others keep changing the cluster's.
    """
    store = Store(Home.from_environment().root)
    where = f"{CONFIGMAPS}/{PROGRESS_CONFIGMAP}"
    for _ in range(TRIES):
        there = cluster.get(where)
        theirs = from_cluster(there or {})
        merged = store.read().merged(theirs)
        if merged != store.read():
            with store.change() as ours:
                merged = ours.merged(theirs)
                ours.scenarios = merged.scenarios
        if there is not None and merged == theirs:
            return merged
        try:
            _write(cluster, where, there, merged)
        except Conflict:
            continue
        return merged
    raise Conflict("FL404", "the cluster's copy of the progress is being changed all the time", "try again")


def _write(cluster: Cluster, where: str, there: Json | None, merged: Progress) -> None:
    data = {PROGRESS_KEY: merged.model_dump_json()}
    if there is not None:
        cluster.replace(where, {**there, "data": data})
        return
    meta = {"name": PROGRESS_CONFIGMAP, "namespace": SYSTEM_NAMESPACE}
    cluster.create(CONFIGMAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
