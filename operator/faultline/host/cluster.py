"""The kind cluster: made from kind-config.yaml, verified, brought back after the engine was gone, or made anew."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import yaml

from faultline.errors import InvalidInput, NotReady
from faultline.host import bases, binaries, images, process
from faultline.host.home import CLUSTER, CONTEXT, REPO, Home
from faultline.host.steps import Done

_BACK_SECONDS = 90.0
_READY_SECONDS = 120.0
_NODE_LABEL = f"label=io.x-k8s.kind.cluster={CLUSTER}"

CONTROL_PLANE_CPU = {"kube-apiserver": "15m", "etcd": "10m", "kube-controller-manager": "5m", "kube-scheduler": "5m"}
"""What the control plane asks for instead of kubeadm's 650m. A request is a share of a busy node, too: a load generator
beside ten times its weight sends late, and labs would find half the node taken."""
_DNS = {
    "resources": {"requests": {"cpu": "10m"}},
    # A single pod that misses three probes of 1 s on a busy machine would take every name away for ten seconds.
    "readinessProbe": {"timeoutSeconds": 5, "failureThreshold": 6},
}
"""What differs from kubeadm's DNS pod."""
_PATCHES = "/faultline/control-plane"
PATCHED = f"kind: InitConfiguration\npatches:\n  directory: {_PATCHES}\n"

UNTAINTED = "kind: InitConfiguration\nnodeRegistration:\n  taints: []\n"
"""The control plane takes pods like any other node."""


def wanted_nodes() -> int:
    """How many nodes KIND_NODES asks for, default 1. Raises InvalidInput (FL141)."""
    text = os.environ.get("KIND_NODES") or "1"
    if not text.isdecimal() or not 1 <= int(text) <= 9:
        raise InvalidInput("FL141", f"KIND_NODES must be a number from 1 to 9, got {text!r}", "KIND_NODES=3 make up")
    return int(text)


def effective_config(home: Home, nodes: int, dns: str = "") -> dict[str, Any]:
    """kind-config.yaml with what differs by machine: workers up to `nodes`, and the data folder on each node.

    `dns` is CoreDNS' version where the node image has another one than kubeadm expects.
    """
    config: dict[str, Any] = yaml.safe_load((REPO / "kind-config.yaml").read_text())
    described = config["nodes"]
    described += [{"role": "worker"} for _ in range(nodes - len(described))]
    # The platform and the harnesses run there, so that a lab may lose a worker.
    untainted = [UNTAINTED] if len(described) > 1 else []
    described[0]["kubeadmConfigPatches"] = [PATCHED, *untainted]
    if dns:
        config["kubeadmConfigPatches"].append(f"kind: ClusterConfiguration\ndns:\n  imageTag: {dns}\n")
    described[0]["extraMounts"] = [{"hostPath": str(_patches(home)), "containerPath": _PATCHES}]
    for node in described:
        node.setdefault("extraMounts", []).append({"hostPath": str(home.data), "containerPath": "/var/lib/faultline"})
    return config


def _patches(home: Home) -> Path:
    return home.root / "control-plane"


def _write_patches(home: Home) -> None:
    """kubeadm's patches of the control plane's pods, one file each."""
    _patches(home).mkdir(exist_ok=True)
    for name, cpu in CONTROL_PLANE_CPU.items():
        container = {"name": name, "resources": {"requests": {"cpu": cpu}}}
        text = yaml.safe_dump({"spec": {"containers": [container]}})
        (_patches(home) / f"{name}+strategic.yaml").write_text(text)


def node_containers(*, running_only: bool = False) -> list[str]:
    """The containers that are the cluster's nodes, also stopped ones."""
    scope = [] if running_only else ["--all"]
    listing = process.output(["docker", "ps", *scope, "--filter", _NODE_LABEL, "--format", "{{.Names}}"])
    return sorted(listing.split())


def kubectl_prefix(home: Home, context: str | None = None) -> list[str]:
    """kubectl on the lab's own cluster, or on a context that was named in the user's own kubeconfig."""
    program = binaries.find(home, "kubectl")
    return (
        [program, "--context", context]
        if context
        else [program, "--kubeconfig", str(home.kubeconfig), "--context", CONTEXT]
    )


def kubectl(home: Home, *args: str, timeout: float = 30, stdin: bytes | None = None) -> str:
    """kubectl on the lab's own cluster. Raises CommandFailed."""
    return process.output([*kubectl_prefix(home), *args], timeout=timeout, stdin=stdin)


def node_states(home: Home) -> dict[str, bool]:
    """Each node's name and whether it is Ready. Raises CommandFailed when the API does not answer."""
    items = json.loads(kubectl(home, "get", "nodes", "-o", "json", "--request-timeout=5s", timeout=10))["items"]
    return {
        item["metadata"]["name"]: any(
            condition["type"] == "Ready" and condition["status"] == "True" for condition in item["status"]["conditions"]
        )
        for item in items
    }


def healthy(home: Home) -> bool:
    """Whether the API answers and every node is Ready."""
    try:
        kubectl(home, "get", "--raw", "/readyz", "--request-timeout=5s", timeout=10)
        states = node_states(home)
    except (process.CommandFailed, NotReady):
        return False
    return bool(states) and all(states.values())


def system_ready(home: Home) -> bool:
    """Whether DNS and the storage provisioner serve: the parts that pods wait for."""
    try:
        text = kubectl(home, "get", "deployments", "-A", "-o", "json", timeout=10)
    except process.CommandFailed:
        return False
    found = {item["metadata"]["name"]: item["status"].get("readyReplicas", 0) for item in json.loads(text)["items"]}
    return bool(found.get("coredns")) and bool(found.get("local-path-provisioner"))


def export_kubeconfig(home: Home, log: process.Log) -> None:
    """Write the cluster's kubeconfig into the home: the API server's port changes when a cluster comes back."""
    command = [binaries.find(home, "kind"), "export", "kubeconfig", "--name", CLUSTER]
    process.run([*command, "--kubeconfig", str(home.kubeconfig)], log)
    home.kubeconfig.chmod(0o600)


def bring_up(home: Home, node_image: str, log: process.Log) -> Done:
    """Make the cluster answer: use it as it is, start its stopped nodes, or make it anew.

    One that was made from an older configuration is made anew only when no lab is in it.
    Raises NotReady (FL310) when a new cluster does not become Ready.
    """
    containers = node_containers()
    nodes = wanted_nodes()
    if containers:
        nodes = nodes if os.environ.get("KIND_NODES") else len(containers)
        found = _bring_back(home, containers, log)
        outdated = found and _outdated(home, len(containers), node_image)
        if found and not outdated:
            return found
        if found and _has_labs(home):
            return Done(
                f"{found.detail}; of an older configuration, which `make down up` renews", skipped=found.skipped
            )
        log.line("made from an older configuration" if outdated else "the cluster that was there does not answer")
        delete(home, log)
    _create(home, nodes, node_image, log)
    return Done(f"made, {nodes} node(s)")


def _bring_back(home: Home, containers: list[str], log: process.Log) -> Done | None:
    stopped = sorted(set(containers) - set(node_containers(running_only=True)))
    if stopped:
        try:
            process.run(["docker", "start", *stopped], log)
        except process.CommandFailed:
            return None
    try:
        export_kubeconfig(home, log)
    except process.CommandFailed:
        return None
    # One that runs and answers is used at once; one that was just started has a while.
    deadline = time.monotonic() + _BACK_SECONDS
    while not (healthy(home) and system_ready(home)):
        if time.monotonic() > deadline:
            return None
        log.line("waiting for the cluster to come back")
        time.sleep(1)
    count = len(containers)
    if os.environ.get("KIND_NODES") and count != wanted_nodes():
        raise InvalidInput(
            "FL142",
            f"the cluster has {count} node(s), KIND_NODES asks for {wanted_nodes()}",
            "run `make down` first (it removes the labs), or leave KIND_NODES out",
        )
    if stopped:
        return Done(f"brought back, {count} node(s)")
    return Done(f"Ready, {count} node(s)", skipped=True)


def _config_text(home: Home, nodes: int, node_image: str) -> str:
    dns_version = "" if node_image == bases.KIND_NODE else images.dns_version()
    return yaml.safe_dump(effective_config(home, nodes, dns_version), sort_keys=False)


def _config_file(home: Home) -> Path:
    """What the cluster was made from."""
    return home.root / "kind-config.yaml"


def _outdated(home: Home, nodes: int, node_image: str) -> bool:
    file = _config_file(home)
    return file.exists() and file.read_text() != _config_text(home, nodes, node_image)


def _has_labs(home: Home) -> bool:
    crd = kubectl(home, "get", "crd", "scenarios.faultline.dev", "--ignore-not-found", "-o", "name")
    return bool(crd.strip() and kubectl(home, "get", "scenarios.faultline.dev", "-o", "name").strip())


def _create(home: Home, nodes: int, node_image: str, log: process.Log) -> None:
    file = _config_file(home)
    file.write_text(_config_text(home, nodes, node_image))
    _write_patches(home)
    command = [binaries.find(home, "kind"), "create", "cluster", "--name", CLUSTER, "--config", str(file)]
    try:
        process.run([*command, "--image", node_image, "--kubeconfig", str(home.kubeconfig)], log)
    except BaseException:
        # Half a cluster would be taken for one that went away; the next run begins clean.
        delete(home, log)
        raise
    home.kubeconfig.chmod(0o600)
    pod = {"spec": {"containers": [{"name": "coredns", **_DNS}]}}
    patch = json.dumps({"spec": {"replicas": 1, "template": pod}})
    kubectl(home, "patch", "--namespace", "kube-system", "deployment/coredns", "--patch", patch)
    deadline = time.monotonic() + _READY_SECONDS
    while not (healthy(home) and system_ready(home)):
        if time.monotonic() > deadline:
            raise NotReady(
                "FL310",
                f"the new cluster was not Ready within {_READY_SECONDS:g} s",
                f"look at `{home.bin}/kubectl --kubeconfig {home.kubeconfig} get pods -A`, then run `make up` again",
            )
        log.line("waiting for the node, DNS and storage")
        time.sleep(1)


def delete(home: Home, log: process.Log) -> bool:
    """Remove the cluster's containers and volumes. Gives whether there was one. Works without kind too."""
    containers = node_containers()
    if containers:
        process.run(["docker", "rm", "--force", "--volumes", *containers], log)
    home.kubeconfig.unlink(missing_ok=True)
    return bool(containers)
