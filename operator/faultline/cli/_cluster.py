"""The API server as the verbs see it: plain dictionaries, bounded calls, errors with a next step.

The `kubernetes` package reads the kubeconfig and sets up TLS; requests go straight through its connection pool, since
its models drop the fields that they do not know. Nothing but the lab's own kind cluster is touched unless a context is
named.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

import urllib3
from kubernetes import config
from kubernetes.client import ApiClient
from kubernetes.config.config_exception import ConfigException

from faultline.errors import Conflict, FaultlineError, InvalidInput, NotFound, NotReady, Unreachable
from faultline.host.home import CONTEXT, Home

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
FIELD_MANAGER = "kubectl-client-side-apply"
"""The name under which `kubectl apply` writes: ours and a learner's own never conflict."""


class Cluster:
    """One connection to one cluster. Every call raises NotReady (FL303) when the API server does not answer."""

    def __init__(self, api: ApiClient, context: str) -> None:
        self.context = context
        self._host = str(api.configuration.host).rstrip("/")
        self._pool = api.rest_client.pool_manager
        self._headers: dict[str, str] = dict(api.default_headers)
        api.update_params_for_auth(self._headers, [], ["BearerToken"], "", "GET", None)

    @classmethod
    def connect(cls, context: str | None) -> Cluster:
        """The lab's kind cluster, or the one that `context` names in the user's own kubeconfig."""
        try:
            if context:
                return cls(_load(context=context), context)
            kubeconfig = Home.from_environment().kubeconfig
            if not kubeconfig.exists():
                raise NotReady("FL301", f"there is no cluster: {kubeconfig} is missing", "make up")
            return cls(_load(config_file=str(kubeconfig), context=CONTEXT), CONTEXT)
        except ConfigException as error:
            raise NotReady(
                "FL302",
                f"the kube context {context or CONTEXT} cannot be used: {error}",
                "`kubectl config get-contexts` lists yours; without --context only the lab's own cluster is used",
            ) from error

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        timeout: float = ANSWER_SECONDS,
    ) -> tuple[int, Any]:
        """One call: HTTP status and decoded body. Only an API server that does not answer is an error here."""
        url = self._host + path + ("?" + urllib.parse.urlencode(query) if query else "")
        try:
            reply = self._pool.request(
                method,
                url,
                body=None if body is None else json.dumps(body).encode(),
                headers={**self._headers, "Content-Type": content_type, **(headers or {})},
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout),
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise NotReady(
                "FL303", f"the cluster {self.context} does not answer: {error}", "make up (it starts what is down)"
            ) from error
        return reply.status, _decode(reply.data)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """An object, or None when there is none of that name."""
        status, body = self.request("GET", path, query=query)
        if status == 404:
            if _is_missing_kind(body):
                raise NotReady("FL304", f"{self.context} has no Faultline installed", "make up")
            return None
        return _object(status, body)

    def items(self, path: str, labels: str = "") -> list[dict[str, Any]]:
        """The objects of a list."""
        found = self.get(path, {"labelSelector": labels} if labels else None)
        return list((found or {}).get("items") or [])

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object. Raises Conflict (FL404) when the name is taken."""
        return _object(*self.request("POST", path, body, query={"fieldManager": FIELD_MANAGER}))

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change an object by a JSON merge patch."""
        query = {"fieldManager": FIELD_MANAGER}
        return _object(*self.request("PATCH", path, body, query=query, content_type=MERGE_PATCH))

    def delete(self, path: str) -> bool:
        """Delete an object; False when it was not there."""
        status, body = self.request("DELETE", path)
        if status == 404:
            return False
        _object(status, body)
        return True

    def service(
        self,
        method: str,
        namespace: str,
        name: str,
        port: int,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        token: str = "",
        timeout: float = ANSWER_SECONDS,
    ) -> Any:
        """Call a Service through the API server's proxy; no port-forward to keep alive.

        The API server keeps `Authorization` to itself, so the harness' token travels in a header of its own.
        Raises Unreachable (FL601) when the Service does not answer with a status below 400.
        """
        full = f"/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy{path}"
        headers = {"X-Faultline-Token": token} if token else None
        status, answer = self.request(method, full, body, query=query, headers=headers, timeout=timeout)
        if status >= 400:
            detail = answer.get("message") or answer.get("error") if isinstance(answer, dict) else answer
            raise Unreachable("FL601", f"{name}.{namespace}{path} answered {status}: {detail}", "make doctor")
        return answer

    def logs(self, namespace: str, pod: str, *, previous: bool = False, lines: int = 60) -> str:
        """The last lines that a pod printed; empty when it has printed none or is gone."""
        query = {"tailLines": str(lines)} | ({"previous": "true"} if previous else {})
        status, body = self.request("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query=query)
        return body if status == 200 and isinstance(body, str) else ""


def _load(**options: str) -> ApiClient:
    api: ApiClient = config.new_client_from_config(**options)  # type: ignore[no-untyped-call]  # it has no types
    return api


def _decode(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:  # logs, and pages of whatever stands behind the service proxy
        return data.decode(errors="replace")


def _is_missing_kind(body: Any) -> bool:
    """A 404 for the path itself, which the API server answers in plain text when a CRD is not installed."""
    return not isinstance(body, dict)


def _object(status: int, body: Any) -> dict[str, Any]:
    if status < 400 and isinstance(body, dict):
        return body
    raise _refusal(status, body)


def _refusal(status: int, body: Any) -> FaultlineError:
    message = body.get("message", "") if isinstance(body, dict) else str(body)
    if status == 404:
        return NotFound("FL205", f"the cluster does not have it: {message}", "faultline status")
    if status == 409:
        return Conflict("FL404", f"the cluster has it already, or it changed meanwhile: {message}", "try again")
    if status in (400, 422):
        causes = (body.get("details") or {}).get("causes") or [] if isinstance(body, dict) else []
        listed = "\n".join(f"  {each.get('field')}: {each.get('message')}" for each in causes)
        return InvalidInput("FL176", f"the cluster refuses it:\n{listed or message}", "mend the field that is named")
    if status in (401, 403):
        return NotReady("FL305", f"the cluster does not allow it: {message}", "use a kubeconfig with the rights")
    return Unreachable("FL602", f"the API server answered {status}: {message}", "make doctor")
