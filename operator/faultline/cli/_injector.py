"""Calls to a lab's injector through the API server."""

from __future__ import annotations

import base64
from typing import Any

from faultline.cli._cluster import Cluster
from faultline.clients.kube import ANSWER_SECONDS
from faultline.errors import Unreachable
from faultline.names import INJECTOR_PORT, harness_namespace


def token(cluster: Cluster, lab: str) -> str | None:
    """What the harness of `lab` asks of its callers; None while it is not there."""
    secret = cluster.get(f"/api/v1/namespaces/{harness_namespace(lab)}/secrets/harness")
    return base64.b64decode(secret["data"]["token"]).decode() if secret else None


def call(
    cluster: Cluster,
    lab: str,
    method: str,
    path: str,
    body: Any = None,
    *,
    known: str | None = None,
    timeout: float = ANSWER_SECONDS,
) -> Any:
    """The injector's answer; `known` is the token where it has been looked up, `timeout` is in seconds.

    Raises Unreachable (FL601) when it is not there, or does not answer with a status below 400.
    """
    proof = known or token(cluster, lab)
    namespace = harness_namespace(lab)
    if proof is None:
        raise Unreachable("FL601", f"{namespace} has no Secret harness", f"kubectl describe scenario {lab}")
    return cluster.service(method, namespace, "edges", INJECTOR_PORT, path, body, token=proof, timeout=timeout)
