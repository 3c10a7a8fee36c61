"""Questions to the cluster's Prometheus, by the API server's proxy."""

from __future__ import annotations

from typing import Any

from faultline.cli._cluster import Cluster
from faultline.clients.kube import ANSWER_SECONDS
from faultline.clients.prometheus import Series
from faultline.names import PROMETHEUS_PORT, SYSTEM_NAMESPACE


def instant(cluster: Cluster, promql: str, at: float | None = None, timeout: float = ANSWER_SECONDS) -> list[Any]:
    """The result of an instant query at `at` (Unix seconds, default now).

    Raises Unreachable and NotReady when it does not answer within `timeout` seconds.
    """
    query = {"query": promql} | ({} if at is None else {"time": f"{at:.3f}"})
    return _ask(cluster, "query", query, timeout)


def over(cluster: Cluster, promql: str, start: float, end: float, step: float) -> list[Series]:
    """The values of a query from `start` to `end` (Unix seconds), every `step` seconds. Raises as `instant` does."""
    query = {"query": promql, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
    return [
        Series(each["metric"], tuple((float(at), float(value)) for at, value in each["values"]))
        for each in _ask(cluster, "query_range", query, ANSWER_SECONDS)
    ]


def _ask(cluster: Cluster, what: str, query: dict[str, str], timeout: float) -> list[Any]:
    where = SYSTEM_NAMESPACE, "prometheus", PROMETHEUS_PORT, f"/api/v1/{what}"
    found: list[Any] = cluster.service("GET", *where, query=query, timeout=timeout)["data"]["result"]
    return found
