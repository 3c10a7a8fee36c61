"""What cluster and platform use: memory of the node from its cgroup, the operator's share from the meter."""

from __future__ import annotations

import time

from faultline.cli import _labs, _prometheus
from faultline.cli._cluster import Cluster
from faultline.errors import NotReady
from faultline.host import process
from faultline.host.cluster import node_containers
from faultline.names import SYSTEM_NAMESPACE, harness_namespace, lab_namespace

OPERATOR = f'{{namespace="{SYSTEM_NAMESPACE}",pod=~"operator-.*"}}'
READ = """
cd /sys/fs/cgroup
if [ -e memory.current ]; then cat memory.current memory.stat
else cat memory/memory.usage_in_bytes memory/memory.stat; fi
"""
"""Shell, inside a node: its cgroup's usage and statistics, of version 2 or 1."""


def node_memory_bytes() -> float:
    """Memory of all nodes but for the page cache: cluster, platform and labs together."""
    return sum(
        without_page_cache(process.output(["docker", "exec", node, "sh", "-c", READ])) for node in node_containers()
    )


def without_page_cache(read: str) -> float:
    """Bytes in use, from a memory cgroup's usage (first line) and its memory.stat, of version 1 or 2.

    The cache goes when memory is short, and on a node that was just made it is mostly images that were unpacked. What
    is shared or in tmpfs counts: it is on none of the lists of files.
    """
    usage, *lines = read.splitlines()
    stat = dict(line.split() for line in lines)
    version_1 = "total_active_file" in stat
    cache = [int(stat[f"total_{each}" if version_1 else each]) for each in ("active_file", "inactive_file")]
    return float(int(usage) - sum(cache))


def operator_pod(cluster: Cluster) -> str:
    """Its name. Raises NotReady (FL319) while none is ready."""
    pods = cluster.items(f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods", "app=operator")
    ready = [each["metadata"]["name"] for each in pods if _labs.is_ready(each)]
    if not ready:
        raise NotReady("FL319", "no pod of the operator is ready", "make up")
    return str(ready[0])


def operator_memory_bytes(cluster: Cluster) -> float:
    """The operator pod's resident memory, as the meter reads it from its cgroup."""
    return _one(cluster, f"sum(faultline_pod_memory_bytes{OPERATOR})")


def operator_cores(cluster: Cluster, seconds: int) -> float:
    """Cores that the operator used over the next `seconds`, with a lab up and no run."""
    time.sleep(seconds)
    return _one(cluster, f"sum(rate(faultline_pod_cpu_seconds_total{OPERATOR}[{seconds}s]))")


def lab_at_most(cluster: Cluster, name: str, start: float, end: float) -> tuple[float | None, float | None]:
    """The most bytes that a lab's pods held and the most cores that they used for 10 s, from `start` to `end`.

    The system and its harness together; None where the meter has no reading of that time.
    """
    pods = f'{{namespace=~"{lab_namespace(name)}|{harness_namespace(name)}"}}'
    over = f"[{end - start:.0f}s:1s] @ {end:.3f}"
    queries = (
        f"max_over_time(sum(faultline_pod_memory_bytes{pods}){over})",
        f"max_over_time(sum(rate(faultline_pod_cpu_seconds_total{pods}[10s])){over})",
    )
    found = [_prometheus.instant(cluster, each) for each in queries]
    memory, cores = (float(each[0]["value"][1]) if each else None for each in found)
    return memory, cores


def _one(cluster: Cluster, query: str) -> float:
    """The one value of a query. Raises NotReady (FL315) when there is none."""
    result = _prometheus.instant(cluster, query)
    if len(result) != 1:
        raise NotReady("FL315", f"Prometheus has no value for {query}", "make doctor")
    return float(result[0]["value"][1])
