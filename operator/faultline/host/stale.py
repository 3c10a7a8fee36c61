"""Removes what earlier versions left behind: images that nothing names any more, on the nodes and in the engine.

An image of today's names stays, as does one that a container or a workload of the cluster uses. In the engine others
stay for a day as well: whoever goes back and forth between branches does not compile Kubernetes each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from faultline.host import cluster, process
from faultline.host.home import Home
from faultline.host.images import IMAGES, LABEL, ref
from faultline.host.process import Log
from faultline.host.steps import Done

_KEPT = timedelta(days=1)
_PREFIX = "docker.io/faultline/"
_WORKLOADS = "pods,deployments,statefulsets,daemonsets,jobs,cronjobs"


def remove(home: Home, log: Log) -> Done:
    """Remove stale images everywhere."""
    wanted = {ref(name) for name in IMAGES}
    used = named_by_workloads(json.loads(cluster.kubectl(home, "get", _WORKLOADS, "-A", "-o", "json")))
    count = sum(_from_node(node, wanted | used, log) for node in cluster.node_containers(running_only=True))
    count += _from_engine(wanted, log)
    return Done(f"{count} removed") if count else Done("none", skipped=True)


def named_by_workloads(found: Mapping[str, object]) -> set[str]:
    """Every value of a key `image`, at any depth: pod templates differ in where they are."""
    images: set[str] = set()
    todo: list[object] = [found]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            if isinstance(each.get("image"), str):
                images.add(each["image"].removeprefix("docker.io/"))
            todo += each.values()
        elif isinstance(each, list):
            todo += each
    return images


def stale_on_node(listing: str, keep: set[str]) -> list[str]:
    """References to remove, out of `ctr images ls`: our stale ones and the nameless twins of the same content."""
    rows = [line.split()[:3] for line in listing.splitlines()[1:] if len(line.split()) >= 3]
    kept = {digest for name, _, digest in rows if name.removeprefix("docker.io/") in keep}
    named = {digest for name, _, digest in rows if "/" in name and not name.startswith(_PREFIX)}
    stale = {digest for name, _, digest in rows if name.startswith(_PREFIX)} - kept - named
    # A kept image's other names go as well, its content does not.
    return [
        name
        for name, _, digest in rows
        if digest in stale or (name.startswith(_PREFIX) and name.removeprefix("docker.io/") not in keep)
    ]


def _from_node(node: str, keep: set[str], log: Log) -> int:
    ctr = ["docker", "exec", node, "ctr", "--namespace", "k8s.io", "images"]
    # What kind put there itself: the storage provisioner stands in the node image's own manifest.
    stale = stale_on_node(process.output([*ctr, "ls"]), keep)
    if stale:
        process.run([*ctr, "rm", *stale], log)
    return sum(name.startswith(_PREFIX) for name in stale)


@dataclass(frozen=True)
class Built:
    """One of the engine's images."""

    reference: str
    created: datetime


def stale_in_engine(there: Iterable[Built], keep: set[str], now: datetime) -> list[str]:
    """References that are neither wanted nor of the last day."""
    return [each.reference for each in there if each.reference not in keep and now - each.created > _KEPT]


def _from_engine(keep: set[str], log: Log) -> int:
    by_label = ["docker", "image", "ls", "--filter", f"label={LABEL}", "--filter", "reference=faultline/*"]
    references = process.output([*by_label, "--format", "{{.Repository}}:{{.Tag}}"]).split()
    candidates = [reference for reference in references if reference not in keep]
    count = 0
    if candidates:
        times = process.output(["docker", "image", "inspect", "--format", "{{.Created}}", *candidates]).split()
        there = [
            Built(reference, datetime.fromisoformat(time[:19]).replace(tzinfo=UTC))
            for reference, time in zip(candidates, times, strict=True)
        ]
        for reference in stale_in_engine(there, keep, datetime.now(UTC)):
            # Without force: Docker refuses where a container, such as a node, uses it.
            if process.succeeds(["docker", "image", "rm", reference]):
                log.line(f"removed {reference}")
                count += 1
    if count:
        process.run(["docker", "image", "prune", "--force", "--filter", f"label={LABEL}"], log)
    return count
