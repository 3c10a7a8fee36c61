"""Small labs for benches: two pods each, the real `edges` pod of the lab chart and a target behind it.

They are made without the operator, from the chart's own templates, so that twenty of them fit a small machine and a
bench begins within a minute. A third kind of pod, one for all of them, runs what measures.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from faultline.cli._benches import _inside
from faultline.cli._cluster import Cluster
from faultline.cli._show import Line
from faultline.clients.kube import Json, path
from faultline.errors import Conflict, NotReady
from faultline.host import images, process
from faultline.host.cluster import kubectl_prefix
from faultline.host.home import CONTEXT, Home
from faultline.lab import Helm
from faultline.lab.values import IMAGES
from faultline.names import INJECTOR_PORT, LABEL_BY, harness_namespace, lab_namespace

EDGES = ("client->a", "client->b")
FIRST_PORT = 21000
TARGET_PORT = 8000
READY_SECONDS = 150.0
GONE_SECONDS = 90.0
MADE_BY = {LABEL_BY: "bench-field"}
_PLURALS = {
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Service": "/api/v1/namespaces/{}/services",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
}


class SmallLab:
    """One of them."""

    def __init__(self, cluster: Cluster, name: str, token: str) -> None:
        self.name = name
        self.harness, self.lab = harness_namespace(name), lab_namespace(name)
        self._cluster = cluster
        self._token = token

    def injector(self, method: str, path: str, body: Any = None) -> Any:
        """Call its injector."""
        return self._cluster.service(method, self.harness, "edges", INJECTOR_PORT, path, body, token=self._token)

    @property
    def ways(self) -> dict[str, tuple[str, int]]:
        """Host and port of each edge."""
        host = f"edges.{self.harness}.svc.cluster.local"
        return {name: (host, FIRST_PORT + index) for index, name in enumerate(EDGES)}

    @property
    def target(self) -> str:
        """The target's host, past the edges."""
        return f"target.{self.lab}.svc.cluster.local"

    def manifests(self, image_refs: Mapping[str, str]) -> list[Json]:
        """All that it consists of."""
        found: list[Json] = [_namespace(each) for each in (self.harness, self.lab)]
        upstream = f"{self.target}.:{TARGET_PORT}"
        values = {
            "scenario": self.name,
            "labNamespace": self.lab,
            "harnessNamespace": self.harness,
            "token": self._token,
            "images": {name: image_refs[name] for name in IMAGES},
            "edges": [
                {"name": name, "port": port, "api": port + 1000, "upstream": upstream}
                for name, (_, port) in self.ways.items()
            ],
        }
        rendered = yaml.safe_load_all(
            asyncio.run(Helm(binary=str(Home.from_environment().bin / "helm")).template(values))
        )
        found += [each for each in rendered if each and each["metadata"]["labels"].get("app") == "edges"]
        found += [_scripts(self.lab), _service(self.lab), _pod(self.lab, "target", image_refs["runtime"], "target.py")]
        return found


class Field:
    """The labs, and the pod that measures."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._images = images.image_refs()
        self._token = secrets.token_hex(16)
        self.labs: list[SmallLab] = []
        self.tools = harness_namespace("bench-tools")

    def grow(self, count: int, line: Line) -> None:
        """Bring labs up until there are `count`, each ready for faults."""
        fresh = [SmallLab(self._cluster, f"bench-{index}", self._token) for index in range(len(self.labs), count)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda lab: self._create(lab.manifests(self._images)), fresh))
        self._wait(fresh, line)
        self.labs += fresh

    def start_tools(self, line: Line) -> None:
        """The pod `reader`, and the pod `peer` with a Toxiproxy that belongs to nobody."""
        made = [
            _namespace(self.tools),
            _scripts(self.tools),
            _pod(self.tools, "reader", self._images["runtime"], None),
            _pod(self.tools, "peer", self._images["injector"], None),
        ]
        self._create(made)
        deadline = time.monotonic() + READY_SECONDS
        while missing := [name for name in ("reader", "peer") if not self._pod_ready(self.tools, name)]:
            if time.monotonic() > deadline:
                raise NotReady("FL331", f"the pods {', '.join(missing)} in {self.tools} are not up", "make doctor")
            line.update(f"[dim]{' '.join(missing)}…[/]")
            time.sleep(0.3)

    def run(self, pod: str, command: Sequence[str], stdin: bytes = b"", seconds: float = 60) -> str:
        """Run a command in `reader` or `peer`: what it printed. Raises CommandFailed."""
        return process.output(self._exec(pod, command), timeout=seconds, stdin=stdin)

    def begin(self, pod: str, command: Sequence[str], stdin: bytes) -> subprocess.Popen[bytes]:
        """Begin a command in `reader` or `peer` and go on."""
        child = subprocess.Popen(  # noqa: S603 (our own kubectl)
            self._exec(pod, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        if child.stdin:
            child.stdin.write(stdin)
            child.stdin.close()
            child.stdin = None
        return child

    def _exec(self, pod: str, command: Sequence[str]) -> list[str]:
        context = None if self._cluster.context == CONTEXT else self._cluster.context
        prefix = kubectl_prefix(Home.from_environment(), context)
        return [*prefix, "-n", self.tools, "exec", "-i", pod, "--", *command]

    def clear(self) -> None:
        """Remove all of it, and wait until it is gone."""
        selector = ",".join(f"{key}={value}" for key, value in MADE_BY.items())
        deadline = time.monotonic() + GONE_SECONDS
        while found := self._cluster.items(path("Namespace"), selector):
            for each in found:
                if not each["metadata"].get("deletionTimestamp"):
                    self._cluster.delete(path("Namespace", each["metadata"]["name"]))
            if time.monotonic() > deadline:
                names = ", ".join(each["metadata"]["name"] for each in found)
                raise NotReady("FL314", f"{names} are not gone after {GONE_SECONDS:g} s", "kubectl get ns -o yaml")
            time.sleep(0.5)

    def _create(self, manifests: Sequence[Json]) -> None:
        for each in manifests:
            kind, space = each["kind"], each["metadata"].get("namespace", "")
            where = path("Namespace") if kind == "Namespace" else _PLURALS[kind].format(space)
            try:
                self._cluster.create(where, each)
            except Conflict:
                # The cluster itself makes what every namespace has.
                self._cluster.apply(f"{where}/{each['metadata']['name']}", each)

    def _wait(self, labs: Sequence[SmallLab], line: Line) -> None:
        deadline = time.monotonic() + READY_SECONDS
        late = list(labs)
        while late := [each for each in late if not self._ready(each)]:
            if time.monotonic() > deadline:
                names = ", ".join(each.name for each in late)
                raise NotReady("FL331", f"small labs are not up after {READY_SECONDS:g} s: {names}", "make doctor")
            line.update(f"{len(labs) - len(late)} of {len(labs)} small labs")
            time.sleep(0.3)

    def _ready(self, lab: SmallLab) -> bool:
        pods = self._cluster.items(f"/api/v1/namespaces/{lab.harness}/pods", "app=edges")
        if not (any(_is_ready(each) for each in pods) and self._pod_ready(lab.lab, "target")):
            return False
        where = f"/api/v1/namespaces/{lab.harness}/services/edges:{INJECTOR_PORT}/proxy/ready"
        return self._cluster.request("GET", where, headers={"X-Faultline-Token": self._token})[0] == 200

    def _pod_ready(self, namespace: str, name: str) -> bool:
        found = self._cluster.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
        return found is not None and _is_ready(found)


@contextmanager
def field(cluster: Cluster) -> Iterator[Field]:
    """A field without labs; all is removed at the end, also after an error or Ctrl-C."""
    one = Field(cluster)
    one.clear()  # what one that was killed left
    try:
        yield one
    finally:
        one.clear()


def _is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": MADE_BY}}


def _scripts(namespace: str) -> Json:
    folder = Path(_inside.__file__).parent
    data = {each.name: each.read_text() for each in sorted(folder.glob("[a-z]*.py"))}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "scripts", "namespace": namespace, "labels": MADE_BY},
        "data": data,
    }


def _service(namespace: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "target", "namespace": namespace, "labels": MADE_BY},
        "spec": {"selector": {"app": "target"}, "ports": [{"port": TARGET_PORT}]},
    }


def _pod(namespace: str, name: str, image: str, script: str | None) -> Json:
    """A pod that runs one of the scripts, or waits for commands."""
    command = ["python", f"/scripts/{script}"] if script else ["sleep", "3600"]
    container: Json = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # As the harness' own: what measures is not what runs dry.
        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [{"name": "scripts", "mountPath": "/scripts"}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    if script:
        container["readinessProbe"] = {"httpGet": {"path": "/", "port": TARGET_PORT}, "periodSeconds": 2}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {**MADE_BY, "app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10001,
                "fsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "scripts", "configMap": {"name": "scripts"}}, {"name": "tmp", "emptyDir": {}}],
        },
    }


def as_stdin(wish: Any) -> bytes:
    """JSON for a script."""
    return json.dumps(wish).encode()
