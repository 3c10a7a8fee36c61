"""A kubeconfig that shows a lab from the inside and no answer: a ServiceAccount in it, bound to the chart's roles."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from faultline.api.base import API_VERSION
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.errors import NotReady
from faultline.names import SYSTEM_NAMESPACE, lab_namespace

ACCOUNT = "learner"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
_API_GROUP = "rbac.authorization.k8s.io"


def kubeconfig(cluster: Cluster, lab: Lab, seconds: int) -> dict[str, Any]:
    """A kubeconfig for `lab`, good for so many seconds, its rights bound before. They go with the lab.

    Raises NotReady: FL334 when the lab has no namespace yet, FL335 when the platform is of a version without the roles.
    """
    namespace = lab_namespace(lab.name)
    if cluster.get(f"/api/v1/namespaces/{namespace}") is None:
        raise NotReady("FL334", f"the namespace {namespace} is not there yet", f"make apply S={lab.slug}")
    if cluster.get(f"{RBAC}/clusterroles/faultline-learner") is None:
        raise NotReady("FL335", "the cluster has no ClusterRole faultline-learner", "make up")
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/{ACCOUNT}"
    cluster.apply(account, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT},
                            "automountServiceAccountToken": False})  # fmt: skip
    for where, body in _bindings(lab):
        cluster.apply(where, body)
    token = cluster.create(
        f"{account}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}},
    )["status"]["token"]
    return _document(cluster, namespace, token)


def _bindings(lab: Lab) -> list[tuple[str, dict[str, Any]]]:
    """Where each binding stands, and the binding: in the lab, beside Prometheus, in the cluster."""
    namespace, name = lab_namespace(lab.name), f"learner-{lab.name}"
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    owner = {"apiVersion": API_VERSION, "kind": "Scenario", "name": lab.name, "uid": lab.raw["metadata"]["uid"]}

    def binding(kind: str, name: str, role_kind: str, role: str) -> dict[str, Any]:
        return {
            "apiVersion": f"{_API_GROUP}/v1",
            "kind": kind,
            "metadata": {"name": name, "ownerReferences": [owner]},
            "roleRef": {"apiGroup": _API_GROUP, "kind": role_kind, "name": role},
            "subjects": [subject],
        }

    return [
        (
            f"{RBAC}/namespaces/{namespace}/rolebindings/{ACCOUNT}",
            binding("RoleBinding", ACCOUNT, "ClusterRole", "faultline-learner"),
        ),
        (
            f"{RBAC}/namespaces/{SYSTEM_NAMESPACE}/rolebindings/{name}",
            binding("RoleBinding", name, "Role", ACCOUNT),
        ),
        (
            f"{RBAC}/clusterrolebindings/faultline-{name}",
            binding("ClusterRoleBinding", f"faultline-{name}", "ClusterRole", "faultline-learner-runs"),
        ),
    ]


def _document(cluster: Cluster, namespace: str, token: str) -> dict[str, Any]:
    configuration = cluster.client.configuration
    server: dict[str, Any] = {"server": configuration.host}
    if configuration.ssl_ca_cert:
        authority = Path(configuration.ssl_ca_cert).read_bytes()
        server["certificate-authority-data"] = base64.b64encode(authority).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "faultline", "cluster": server}],
        "users": [{"name": ACCOUNT, "user": {"token": token}}],
        "contexts": [{"name": ACCOUNT, "context": {"cluster": "faultline", "user": ACCOUNT, "namespace": namespace}}],
        "current-context": ACCOUNT,
    }
