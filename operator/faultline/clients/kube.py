"""The Kubernetes API as the operator and the catalogue see it: plain dictionaries, bounded calls, typed errors.

The `kubernetes` package finds the cluster (in-cluster or kubeconfig) and sets up TLS and tokens; requests go straight
through its connection pool, since its models drop the fields that they do not know. Calls block: from asyncio, run
them in a thread.
"""

from __future__ import annotations

import json
import os
import urllib.parse
from collections.abc import Mapping
from typing import Any, ClassVar

import urllib3
from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from kubernetes.config.config_exception import ConfigException

from faultline.clients.kube_objects import APPLY_PATCH, JSON, JSON_PATCH, MERGE_PATCH, Json, checked, path
from faultline.errors import NotReady, Unreachable

__all__ = ["ANSWER_SECONDS", "JSON", "JSON_PATCH", "Json", "Kube", "path"]

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0


class Kube:
    """One connection to one cluster. Every call raises Unreachable (FL603) when the API server does not answer."""

    field_manager: ClassVar[str] = "faultline"
    """Under which name this client's changes are on record."""

    def __init__(self, api: ApiClient, context: str) -> None:
        self.context = context
        self._api = api
        self._host = str(api.configuration.host).rstrip("/")
        self._pool = api.rest_client.pool_manager

    @property
    def client(self) -> ApiClient:
        """The `kubernetes` package's own client on the same connection."""
        return self._api

    @classmethod
    def connect(cls) -> Kube:
        """The cluster that this process runs in, else that of KUBECONFIG. Raises NotReady (FL302) without either."""
        try:
            if "KUBERNETES_SERVICE_HOST" in os.environ:
                inside = Configuration()
                config.load_incluster_config(client_configuration=inside)  # type: ignore[no-untyped-call]
                return cls(ApiClient(inside), "in-cluster")
            return cls(config.new_client_from_config(), "kubeconfig")  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise NotReady("FL302", f"no cluster is configured: {error}", "make up, or set KUBECONFIG") from error

    def request(
        self,
        method: str,
        where: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        timeout: float = ANSWER_SECONDS,
    ) -> tuple[int, Any]:
        """One call: HTTP status and decoded body."""
        headers = {**self._api.default_headers, "Content-Type": content_type, **(headers or {})}
        # Asked each time: the token of a service account changes while the pod lives.
        self._api.update_params_for_auth(headers, [], ["BearerToken"], where, method, body)
        url = self._host + where + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        wait = urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout)

        def ask() -> urllib3.BaseHTTPResponse:
            return self._pool.request(method, url, body=data, headers=headers, timeout=wait, retries=False)

        try:
            try:
                reply = ask()
            except urllib3.exceptions.ProtocolError:
                # The server has closed a connection that was kept, as it does at times; asking twice changes nothing.
                if method != "GET":
                    raise
                reply = ask()
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable("FL603", f"the API server does not answer: {error}", "make doctor") from error
        return reply.status, _decode(reply.data)

    def get(self, where: str) -> Json | None:
        """An object, or None when there is none of that name."""
        status, body = self.request("GET", where)
        return None if status == 404 else checked(status, body)

    def items(self, where: str, labels: str = "") -> list[Json]:
        """The objects of a list; empty where the kind is not installed."""
        status, body = self.request("GET", where, query={"labelSelector": labels} if labels else None)
        return [] if status == 404 else list(checked(status, body).get("items") or [])

    def create(self, where: str, body: Json) -> Json:
        """Create an object in the list at `where`. Raises Conflict (FL404) when the name is taken."""
        return checked(*self.request("POST", where, body, query={"fieldManager": self.field_manager}))

    def replace(self, where: str, body: Json) -> Json:
        """Replace an object. Raises Conflict (FL404) when it changed since its resourceVersion was read."""
        return checked(*self.request("PUT", where, body, query={"fieldManager": self.field_manager}))

    def apply(self, where: str, body: Json, *, dry_run: bool = False) -> Json:
        """Server-side apply of one object."""
        query = {"fieldManager": self.field_manager, "force": "true"} | ({"dryRun": "All"} if dry_run else {})
        return checked(*self.request("PATCH", where, body, query=query, content_type=APPLY_PATCH))

    def patch(self, where: str, body: Json) -> Json:
        """Change an object by a JSON merge patch."""
        query = {"fieldManager": self.field_manager}
        return checked(*self.request("PATCH", where, body, query=query, content_type=MERGE_PATCH))

    def operate(self, where: str, operations: list[Json]) -> Json:
        """Change an object by a JSON patch."""
        query = {"fieldManager": self.field_manager}
        return checked(*self.request("PATCH", where, operations, query=query, content_type=JSON_PATCH))

    def set_status(self, where: str, status: Json) -> Json:
        """Replace the whole status of an object; fields that are left out are gone afterwards."""
        operations = [{"op": "add", "path": "/status", "value": status}]
        query = {"fieldManager": self.field_manager}
        return checked(*self.request("PATCH", f"{where}/status", operations, query=query, content_type=JSON_PATCH))

    def delete(self, where: str, *, grace: int | None = None) -> bool:
        """Delete an object, its dependents in the background; False when it was not there.

        `grace` is how many seconds a pod gets to end by itself, by default what the pod says.
        """
        query = {"propagationPolicy": "Background"} | ({} if grace is None else {"gracePeriodSeconds": str(grace)})
        status, body = self.request("DELETE", where, query=query)
        if status == 404:
            return False
        checked(status, body)
        return True

    def logs(self, namespace: str, pod: str, *, previous: bool = False, lines: int = 40) -> str:
        """The last lines that a pod printed; empty when it has printed none or is gone."""
        query = {"tailLines": str(lines)} | ({"previous": "true"} if previous else {})
        status, body = self.request("GET", path("Pod", pod, namespace) + "/log", query=query)
        return body if status == 200 and isinstance(body, str) else ""


def _decode(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:  # logs
        return data.decode(errors="replace")
