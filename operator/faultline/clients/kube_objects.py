"""Where the API server keeps what, and what its refusals mean, for clients that block and for those that do not."""

from __future__ import annotations

from typing import Any

from faultline.api.base import API_VERSION
from faultline.errors import Conflict, FaultlineError, InvalidInput, NotFound, NotReady, Unreachable

Json = dict[str, Any]

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_KINDS = {
    "Namespace": ("/api/v1", "namespaces"),
    "Secret": ("/api/v1", "secrets"),
    "Service": ("/api/v1", "services"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Node": ("/api/v1", "nodes"),
    "Pod": ("/api/v1", "pods"),
    "Event": ("/api/v1", "events"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "SelfSubjectAccessReview": ("/apis/authorization.k8s.io/v1", "selfsubjectaccessreviews"),
    "Scenario": (f"/apis/{API_VERSION}", "scenarios"),
    "Run": (f"/apis/{API_VERSION}", "runs"),
}


def path(kind: str, name: str = "", namespace: str = "") -> str:
    """The URL path of an object, or of the list of its kind when `name` is empty."""
    prefix, plural = _KINDS[kind]
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{prefix}{inside}/{plural}" + (f"/{name}" if name else "")


def checked(status: int, body: Any) -> Json:
    """The object that the API server answered with. Raises what its refusal means."""
    if status < 400 and isinstance(body, dict):
        return body
    raise refusal(status, body)


def refusal(status: int, body: Any) -> FaultlineError:
    """The error for an answer of 400 or more."""
    message = body.get("message", "") if isinstance(body, dict) else str(body)
    if status == 404:
        return NotFound("FL205", f"the cluster does not have it: {message}", "faultline status")
    if status == 409:
        return Conflict("FL404", f"the cluster has it already, or it changed meanwhile: {message}", "try again")
    if status in (400, 422):
        return InvalidInput("FL130", f"the cluster refuses it: {message}", "mend the field that is named")
    if status in (401, 403):
        return NotReady("FL305", f"the cluster does not allow it: {message}", "make up (it brings the rights)")
    return Unreachable("FL602", f"the API server answered {status}: {message}", "make doctor")
