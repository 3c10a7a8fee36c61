"""The platform on a cluster: resource definitions first (Helm never upgrades them), then the chart."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

from faultline.host import binaries, images, process
from faultline.host.home import CONTEXT, REPO, Home
from faultline.host.process import Log
from faultline.host.steps import Done
from faultline.names import SYSTEM_NAMESPACE

CHART = REPO / "charts/faultline"
RELEASE = "faultline"
_WAIT = "180s"


def apply_crds(home: Home, log: Log) -> Done:
    """Apply the resource definitions and wait until the API server serves them."""
    own = [binaries.find(home, "kubectl"), "--kubeconfig", str(home.kubeconfig), "--context", CONTEXT]
    process.run([*own, "apply", "--server-side", "--force-conflicts", "-f", str(CHART / "crds")], log)
    process.run([*own, "wait", "--for=condition=Established", "--timeout=30s", "-f", str(CHART / "crds")], log)
    return Done()


def install(home: Home, log: Log) -> Done:
    """Install or upgrade the chart with the images of this checkout, and wait until it serves."""
    values = {"images": images.image_refs()}
    with tempfile.TemporaryDirectory(prefix="faultline-") as folder:
        file = Path(folder) / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        command = [binaries.find(home, "helm"), "upgrade", "--install", RELEASE, str(CHART)]
        command += ["--kubeconfig", str(home.kubeconfig), "--kube-context", CONTEXT]
        command += ["--namespace", SYSTEM_NAMESPACE, "--create-namespace", "--skip-crds"]
        process.run([*command, "--values", str(file), "--wait", "--timeout", _WAIT], log)
    return Done(f"in namespace {SYSTEM_NAMESPACE}")
