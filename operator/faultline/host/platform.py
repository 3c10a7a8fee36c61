"""The platform on a cluster: resource definitions first (Helm never upgrades them), then the chart."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

from faultline.host import binaries, cluster, images, process
from faultline.host.home import CONTEXT, REPO, Home
from faultline.host.process import Log
from faultline.host.steps import Done
from faultline.lab.helm import INTERRUPTED, PENDING_SELECTOR
from faultline.names import SYSTEM_NAMESPACE

CHART = REPO / "charts/faultline"
RELEASE = "faultline"
_WAIT = "180s"


def apply_crds(home: Home, log: Log, context: str | None = None) -> Done:
    """Apply the resource definitions and wait until the API server serves them."""
    kubectl = cluster.kubectl_prefix(home, context)
    process.run([*kubectl, "apply", "--server-side", "--force-conflicts", "-f", str(CHART / "crds")], log)
    process.run([*kubectl, "wait", "--for=condition=Established", "--timeout=30s", "-f", str(CHART / "crds")], log)
    return Done()


def install(home: Home, log: Log, context: str | None = None, registry: str = "") -> Done:
    """Install or upgrade the chart with the images of this checkout, and wait until it serves."""
    values: dict[str, object] = {"images": images.image_refs(registry)}
    where = ["--kubeconfig", str(home.kubeconfig), "--kube-context", context or CONTEXT]
    if context:
        # No folder of this host is mounted into its nodes: runs are kept in a claim.
        values |= {"data": {"hostPath": ""}}
        where = where[2:]
    with tempfile.TemporaryDirectory(prefix="faultline-") as folder:
        file = Path(folder) / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        command = [binaries.find(home, "helm"), "upgrade", "--install", RELEASE, str(CHART), *where]
        command += ["--namespace", SYSTEM_NAMESPACE, "--create-namespace", "--skip-crds"]
        command += ["--values", str(file), "--wait", "--timeout", _WAIT]
        try:
            process.run(command, log)
        except process.CommandFailed as error:
            # Somebody else's Helm may be at work on a cluster of theirs; on ours only one set-up is at a time.
            if INTERRUPTED not in error.tail or context:
                raise
            log.line("an earlier Helm was interrupted: what it left is removed")
            pending = PENDING_SELECTOR.format(release=RELEASE)
            cluster.kubectl(home, "delete", "secret", "--namespace", SYSTEM_NAMESPACE, "--selector", pending)
            process.run(command, log)
    return Done(f"in namespace {SYSTEM_NAMESPACE}")
