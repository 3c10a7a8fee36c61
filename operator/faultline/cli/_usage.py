"""What cluster and platform use: memory of the node as the engine counts it, the operator's share from the meter."""

from __future__ import annotations

import time

from faultline.cli import _prometheus
from faultline.cli._cluster import Cluster
from faultline.errors import NotReady
from faultline.host import process
from faultline.host.cluster import node_containers
from faultline.names import SYSTEM_NAMESPACE

OPERATOR = f'{{namespace="{SYSTEM_NAMESPACE}",pod=~"operator-.*"}}'
_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}


def node_memory_bytes() -> float:
    """Memory of all nodes, page cache that can be dropped left out: cluster, platform and labs together."""
    used = process.output(["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", *node_containers()])
    return sum(parse_bytes(line.split("/")[0].strip()) for line in used.splitlines() if line.strip())


def parse_bytes(text: str) -> float:
    """Docker's `1.234GiB` in bytes."""
    number = text.rstrip("BKMGTi")
    return float(number) * _UNITS[text[len(number) :]]


def operator_memory_bytes(cluster: Cluster) -> float:
    """The operator pod's resident memory, as the meter reads it from its cgroup."""
    return _one(cluster, f"sum(faultline_pod_memory_bytes{OPERATOR})")


def operator_cores(cluster: Cluster, seconds: int) -> float:
    """Cores that the operator used over the next `seconds`, with a lab up and no run."""
    time.sleep(seconds)
    return _one(cluster, f"sum(rate(faultline_pod_cpu_seconds_total{OPERATOR}[{seconds}s]))")


def _one(cluster: Cluster, query: str) -> float:
    """The one value of a query. Raises NotReady (FL315) when there is none."""
    result = _prometheus.instant(cluster, query)
    if len(result) != 1:
        raise NotReady("FL315", f"Prometheus has no value for {query}", "make doctor")
    return float(result[0]["value"][1])
