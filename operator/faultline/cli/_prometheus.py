"""Questions to the cluster's Prometheus, by the API server's proxy."""

from __future__ import annotations

from typing import Any

from faultline.cli._cluster import Cluster
from faultline.clients.kube import ANSWER_SECONDS
from faultline.names import PROMETHEUS_PORT, SYSTEM_NAMESPACE


def instant(cluster: Cluster, promql: str, at: float | None = None, timeout: float = ANSWER_SECONDS) -> list[Any]:
    """The result of an instant query at `at` (Unix seconds, default now).

    Raises Unreachable and NotReady when it does not answer within `timeout` seconds.
    """
    query = {"query": promql} | ({} if at is None else {"time": f"{at:.3f}"})
    where = SYSTEM_NAMESPACE, "prometheus", PROMETHEUS_PORT, "/api/v1/query"
    found: list[Any] = cluster.service("GET", *where, query=query, timeout=timeout)["data"]["result"]
    return found
