"""The cluster as the verbs see it: the operator's client, the lab's own kubeconfig, Services through the API server.

Nothing but the lab's own kind cluster is touched unless a context is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from kubernetes import config
from kubernetes.client import ApiClient
from kubernetes.config.config_exception import ConfigException

from faultline.clients.kube import ANSWER_SECONDS, JSON, Kube
from faultline.errors import NotReady, Unreachable
from faultline.host.home import CONTEXT, Home


class Cluster(Kube):
    """One connection to one cluster. Every call raises NotReady (FL303) when the API server does not answer."""

    field_manager: ClassVar[str] = "kubectl-client-side-apply"
    """The name under which `kubectl apply` writes: ours and a learner's own never conflict."""

    @classmethod
    def open(cls, context: str | None) -> Cluster:
        """The lab's kind cluster, or the one that `context` names in the user's own kubeconfig.

        Raises NotReady: FL301 when there is no cluster, FL302 when the context cannot be used.
        """
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
        where: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        timeout: float = ANSWER_SECONDS,
    ) -> tuple[int, Any]:
        """One call: HTTP status and decoded body."""
        try:
            status, answer = super().request(
                method, where, body, query=query, content_type=content_type, headers=headers, timeout=timeout
            )
        except Unreachable as error:
            raise NotReady(
                "FL303", f"the cluster {self.context} does not answer: {error.message}", "make up"
            ) from error
        if status == 404 and not isinstance(answer, dict) and where.startswith("/apis/"):
            # The API server answers so for a kind that it does not know.
            raise NotReady("FL304", f"the cluster {self.context} has no Faultline installed", "make up")
        return status, answer

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
            detail = (answer.get("message") or answer.get("error") or answer) if isinstance(answer, dict) else answer
            raise Unreachable("FL601", f"{name}.{namespace}{path} answered {status}: {detail}", "make doctor")
        return answer

    def execute(self, namespace: str, pod: str, command: list[str], timeout: float = ANSWER_SECONDS) -> str:
        """Run a command in a pod's first container: what it printed.

        Raises Unreachable (FL606) when the pod cannot be reached or the time is up.
        """
        from kubernetes.client import ApiException, CoreV1Api
        from kubernetes.stream import stream
        from websocket import WebSocketException

        try:
            running = stream(
                # A client of its own: stream() replaces how its client sends requests.
                CoreV1Api(ApiClient(self._api.configuration)).connect_get_namespaced_pod_exec,
                pod,
                namespace,
                command=command,
                stderr=True,
                stdout=True,
                _request_timeout=timeout,
                _preload_content=False,  # Or nobody would close its connection.
            )
            try:
                running.run_forever(timeout=timeout)
                return str(running.read_all())
            finally:
                running.sock.shutdown()
        except (ApiException, WebSocketException, OSError) as error:
            why = error.reason if isinstance(error, ApiException) else error
            raise Unreachable("FL606", f"{pod} in {namespace} runs no command: {why}", "make doctor") from error


def _load(**options: str) -> ApiClient:
    api: ApiClient = config.new_client_from_config(**options)  # type: ignore[no-untyped-call]  # it has no types
    return api
