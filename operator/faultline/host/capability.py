"""Whether a cluster, pulled, built or the user's own, can do what labs need. Works on any kubeconfig.

Everything is tried in a namespace of its own that is removed again: a claim that binds and keeps data, a name that
resolves, CPU limits that change in place, and an egress allow-list that refuses direct dialling.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from faultline.errors import NotReady
from faultline.host import cluster, images, process
from faultline.host.doctor import Finding
from faultline.host.home import Home
from faultline.host.steps import Done

_SECONDS = 60.0
_LABELS = {"app.kubernetes.io/part-of": "faultline-capability"}


@dataclass
class Probe:
    """kubectl in one namespace of one cluster, and the image of the pods there."""

    prefix: list[str]
    namespace: str
    image: str

    def kubectl(self, *args: str, stdin: bytes | None = None, timeout: float = 30) -> str:
        """Run kubectl. Raises CommandFailed."""
        return process.output([*self.prefix, "--namespace", self.namespace, *args], stdin=stdin, timeout=timeout)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Server-side apply."""
        text = yaml.safe_dump_all(objects).encode()
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)

    def until(self, what: str, condition: Callable[[], bool], seconds: float = _SECONDS) -> None:
        """Poll until it holds. Raises CapabilityMissing when time is up."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise CapabilityMissing(f"{what}: not within {seconds:g} s")
            time.sleep(0.3)

    def phase(self, pod: str) -> str:
        """A pod's phase."""
        return self.kubectl("get", "pod", pod, "-o", "jsonpath={.status.phase}")

    def run_to_end(self, pod: dict[str, Any]) -> str:
        """Run a pod and give its log. Raises CapabilityMissing when it fails."""
        name = pod["metadata"]["name"]
        self.apply(pod)
        self.until(f"pod {name} ended", lambda: self.phase(name) in ("Succeeded", "Failed"))
        log = self.kubectl("logs", name, "--all-containers")
        if self.phase(name) == "Failed":
            raise CapabilityMissing(f"pod {name} failed: {log.strip()[-300:]}")
        return log


class CapabilityMissing(Exception):
    """The cluster did not do what was asked; the text says what was seen."""


def check_cluster(home: Home, context: str | None = None, registry: str = "") -> list[Finding]:
    """Try everything on the lab's own cluster, or on the context that is named. Removes what it made."""
    prefix = cluster.kubectl_prefix(home, context)
    image = images.image_refs(registry)["netguard"]
    probe = Probe(prefix, f"faultline-capability-{uuid.uuid4().hex[:6]}", image)
    try:
        probe.kubectl("create", "namespace", probe.namespace)
    except process.CommandFailed as error:
        return [Finding("cluster", "problem", error.tail.strip(), "no cluster answers", "make up")]
    try:
        # Side by side: nearly all of it is waiting for pods.
        with ThreadPoolExecutor(len(_CHECKS)) as pool:
            return list(pool.map(lambda check: _try(probe, *check), _CHECKS))
    finally:
        probe.kubectl("delete", "namespace", probe.namespace, "--wait=false")


def require(home: Home, log: process.Log, context: str | None = None, registry: str = "") -> Done:
    """Test a cluster once in its life. Raises NotReady (FL316) with what it cannot do."""
    uid = process.output(
        [*cluster.kubectl_prefix(home, context), "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]
    )
    record = home.root / "capability.json"
    tested = {"cluster": uid, "test": hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]}
    if record.exists() and json.loads(record.read_text()) == tested:
        return Done("tested already", skipped=True)
    findings = check_cluster(home, context, registry)
    for finding in findings:
        log.line(f"{finding.state}: {finding.name}: {finding.found}")
    problems = [finding for finding in findings if finding.state == "problem"]
    if problems:
        text = "; ".join(f"{finding.name}: {finding.found} ({finding.meaning})" for finding in problems)
        raise NotReady("FL316", f"the cluster cannot do what labs need: {text}", problems[0].next_step)
    record.write_text(json.dumps(tested))
    return Done(f"{len(findings)} tests passed")


def _try(probe: Probe, name: str, check: Callable[[Probe], str], meaning: str, next_step: str) -> Finding:
    started = time.monotonic()
    try:
        found = check(probe)
    except CapabilityMissing as error:
        return Finding(name, "problem", str(error), meaning, next_step)
    except process.CommandFailed as error:
        return Finding(name, "problem", error.tail.strip(), meaning, next_step)
    return Finding(name, "ok", f"{found} ({time.monotonic() - started:.1f} s)")


def _pod(probe: Probe, name: str, command: list[str], **spec: Any) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": probe.image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
        **spec.pop("container", {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {**_LABELS, "pod": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": [container],
            **spec,
        },
    }


def _storage(probe: Probe) -> str:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}},
    }
    mount = {"container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    probe.apply(claim)
    probe.run_to_end(_pod(probe, "write", ["sh", "-c", "echo kept > /data/file"], volumes=volumes, **mount))
    log = probe.run_to_end(_pod(probe, "read", ["cat", "/data/file"], volumes=volumes, **mount))
    if log.strip() != "kept":
        raise CapabilityMissing(f"a second pod read {log.strip()!r} from the claim")
    return "a claim binds and keeps its data"


def _dns(probe: Probe) -> str:
    log = probe.run_to_end(_pod(probe, "dns", ["getent", "ahostsv4", "kubernetes.default.svc.cluster.local"]))
    return f"kubernetes.default is {log.split()[0]}"


def _resize(probe: Probe) -> str:
    probe.apply(_pod(probe, "resize", ["sleep", "300"]))
    probe.until("pod resize is running", lambda: probe.phase("resize") == "Running")
    patch = {"spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "50m"}}}]}}
    probe.kubectl("patch", "pod", "resize", "--subresource", "resize", "--patch", json.dumps(patch))
    path = "jsonpath={.status.containerStatuses[0].resources.limits.cpu} {.status.containerStatuses[0].restartCount}"
    probe.until("the new limit is in force", lambda: probe.kubectl("get", "pod", "resize", "-o", path) == "50m 0")
    return "a CPU limit changes without a restart"


def _egress(probe: Probe) -> str:
    """Two servers; the guard lets a client reach one of them only, and the client must see just that."""
    listen = ["python3", "-m", "http.server", "8000"]
    for name in ("allowed", "refused"):
        probe.apply(
            _pod(probe, name, listen),
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"selector": {"pod": name}, "ports": [{"port": 8000}]},
            },
        )
    dial = (
        "import socket, sys, time\n"
        "def dial(name):\n"
        "    deadline = time.monotonic() + 20\n"
        "    while True:\n"
        "        try: socket.create_connection((name, 8000), timeout=2).close(); return 'open'\n"
        "        except OSError as error:\n"
        "            if name == 'refused' or time.monotonic() > deadline: return type(error).__name__\n"
        "            time.sleep(0.3)\n"
        "print(dial('allowed'), dial('refused'))\n"
    )
    guard = {
        "name": "guard",
        "image": probe.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["netguard", "allowed:8000"],
        "securityContext": {"runAsUser": 0, "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
    }
    # The server that must be refused has to be up, or its silence would prove nothing.
    for name in ("allowed", "refused"):
        probe.until(f"pod {name} is running", lambda name=name: probe.phase(name) == "Running")  # type: ignore[misc]
    unguarded = dial.replace("name == 'refused' or ", "")
    open_way = probe.run_to_end(_pod(probe, "unguarded", ["python3", "-c", unguarded])).strip()
    if open_way != "open open":
        raise CapabilityMissing(f"without rules a pod should reach both Services, saw: {open_way}")
    seen = probe.run_to_end(_pod(probe, "guarded", ["python3", "-c", dial], initContainers=[guard])).strip()
    if seen != "open ConnectionRefusedError":
        raise CapabilityMissing(f"expected the allowed way open and the other refused, saw: {seen}")
    return "an allow-list holds: direct dialling is refused"


def _definitions(probe: Probe) -> str:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "probes.capability.faultline.dev"},
        "spec": {
            "group": "capability.faultline.dev",
            "names": {"kind": "Probe", "plural": "probes", "singular": "probe", "listKind": "ProbeList"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"spec": {"type": "object", "properties": {"count": {"type": "integer"}}}},
                            "x-kubernetes-validations": [{"rule": "self.spec.count > 0"}],
                        }
                    },
                }
            ],
        },
    }
    text = yaml.safe_dump(definition).encode()
    probe.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=text)
    return "resource definitions with rules are accepted"


_CHECKS: tuple[tuple[str, Callable[[Probe], str], str, str], ...] = (
    (
        "resource definitions",
        _definitions,
        "Scenario and Run are resource definitions with CEL rules",
        "use Kubernetes 1.29 or later, as an administrator",
    ),
    ("cluster DNS", _dns, "apps reach their edges by name", "look at CoreDNS: kubectl -n kube-system get pods"),
    ("storage", _storage, "stores that outlive a pod need a default StorageClass", "install one, such as local-path"),
    ("in-place resize", _resize, "CPU faults change limits of running pods", "use Kubernetes 1.33 or later"),
    (
        "egress rules",
        _egress,
        "apps must reach dependencies through the proxy only",
        "allow init containers NET_ADMIN (Pod Security: privileged) on nodes with nf_tables",
    ),
)
