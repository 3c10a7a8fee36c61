"""The learner's kubeconfig, tried on a real lab: it shows the lab and no answer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.e2e.lab import Lab, kubectl

from faultline import catalogue
from faultline.cli import _labs, _learner
from faultline.cli._cluster import Cluster
from faultline.errors import FaultlineError
from faultline.host.home import REPO, Home
from faultline.names import SYSTEM_NAMESPACE

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
SOLUTION = catalogue.version(REPO / "scenarios" / "circuit-breakers", "solution")
BINDINGS = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture(scope="module")
def learner(cluster: Cluster, tiny: Lab, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl with the learner's kubeconfig alone. A solution's code is in the cluster, as after `make verify`."""
    catalogue.publish_code(cluster, SOLUTION)
    path: Path = tmp_path_factory.mktemp("learner") / "kubeconfig"
    path.write_text(yaml.safe_dump(_learner.kubeconfig(cluster, _labs.find(cluster, None, tiny.name), 600)))
    program = Home.from_environment().bin / "kubectl"

    def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(program), "--kubeconfig", str(path), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_the_lab_can_be_looked_at(learner: Kubectl) -> None:
    """Its own namespace is the one it looks at without being told."""
    seen = learner("get", "pods,services,deployments,statefulsets,events", "-o", "name")
    assert seen.returncode == 0, seen.stderr
    assert "service/web" in seen.stdout
    assert learner("logs", "deploy/web", "--tail=1").returncode == 0
    assert learner("exec", "deploy/web", "-c", "app", "--", "cat", "/app/web/main.py").stdout.startswith('"""`web.main')
    query = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/services/prometheus:9090/proxy/api/v1/query?query=up"
    assert json.loads(learner("get", "--raw", query).stdout)["status"] == "success"


@pytest.mark.parametrize(
    "what",
    [
        "scenarios",
        "scenarios e2e-tiny",
        "runs",
        "configmaps",
        "secrets",
        "-n faultline-system configmaps",
        f"-n faultline-system configmaps {SOLUTION.configmap}",
        "-n faultline-system secrets",
        "-n faultline-system pods",
        "-n harness-e2e-tiny secrets",
        "-n harness-e2e-tiny secrets sh.helm.release.v1.lab.v1",
        "-n harness-e2e-tiny configmaps",
        "-n harness-e2e-tiny pods",
        "-n kube-system secrets",
        "--all-namespaces pods",
        "nodes",
        "namespaces",
        "--raw /apis/faultline.dev/v1alpha1/runs",
        "--raw /api/v1/namespaces/faultline-system/services/dashboard:8080/proxy/",
        "--raw /api/v1/namespaces/harness-e2e-tiny/services/edges:8090/proxy/state",
    ],
)
def test_no_answer_is_readable(learner: Kubectl, what: str) -> None:
    refused = learner("get", *what.split())
    assert refused.returncode != 0
    assert "Forbidden" in refused.stderr or "forbidden" in refused.stderr, refused.stderr


RUN = """
apiVersion: faultline.dev/v1alpha1
kind: Run
metadata: {name: e2e-learner-other}
spec: {scenario: somebody-elses, seed: 1}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: mine}
spec: {containers: [{name: mine, image: mine}]}
"""


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("exec", "-n", "harness-e2e-tiny", "deploy/loadgen", "--", "id"), None),
        (("create", "token", "learner"), None),
        (("create", "-f", "-"), POD),
        (("create", "rolebinding", "more", "--clusterrole=cluster-admin", "--user=me"), None),
        (("annotate", "scenario", "e2e-tiny", f"faultline.dev/code={SOLUTION.configmap}"), None),
        (("scale", "deploy/web", "--replicas=0"), None),
        (("delete", "pod", "--all"), None),
        (("patch", "deploy/web", "-p", '{"spec": {"replicas": 2}}'), None),
        (("get", "secrets", "--as=system:admin"), None),
        (("create", "-f", "-"), RUN),
    ],
)  # fmt: skip
def test_nothing_can_be_gained(learner: Kubectl, arguments: tuple[str, ...], stdin: str | None) -> None:
    refused = learner(*arguments, stdin=stdin)
    assert refused.returncode != 0, refused.stdout
    assert "forbidden" in refused.stderr.lower(), refused.stderr


LOOK = """
import os, socket, sys
found = []
for top in ("/app", "/opt", "/srv", "/home", "/var", "/tmp", "/mnt", "/run", "/etc"):
    for folder, _, names in os.walk(top):
        here = [os.path.join(folder, each) for each in names]
        found += [each for each in here if each.endswith(("wrong.yaml", "safety.yaml", "HINTS.md", "SCENARIO.md"))]
        found += [each for each in here if "serviceaccount" in each]
for name, port in (("kubernetes.default.svc", 443), ("prometheus.faultline-system.svc", 9090),
                   ("edges.harness-e2e-tiny.svc", 8090), ("loadgen.harness-e2e-tiny.svc", 8091)):
    try:
        socket.create_connection((name, port), 2).close()
        found.append(f"{name}:{port}")
    except OSError:
        pass
print(found)
"""


def test_a_pod_holds_no_answer_and_leads_to_none(learner: Kubectl) -> None:
    """No token, no lesson, no other variant; neither the API server, Prometheus nor the harness can be dialled."""
    looked = learner("exec", "deploy/web", "-c", "app", "--", "python", "-c", LOOK)
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout.strip() == "[]"


def test_what_is_seen_of_the_lab_does_not_name_the_scenario_s_folder(learner: Kubectl) -> None:
    seen = learner("get", "pods,services,deployments,statefulsets", "-o", "json")
    assert "faultline.dev/slug" not in seen.stdout
    assert "objectives" not in seen.stdout


def test_a_run_of_the_own_lab_can_be_started_and_not_be_read(learner: Kubectl, cluster: Cluster, tiny: Lab) -> None:
    made = learner("create", "-f", "-", "-o", "json", stdin=RUN.replace("somebody-elses", tiny.name))
    assert made.returncode == 0, made.stderr
    assert "objectives" not in json.loads(made.stdout).get("status", {})
    assert learner("get", "run", "e2e-learner-other").returncode != 0
    cluster.delete("/apis/faultline.dev/v1alpha1/runs/e2e-learner-other")


def test_the_rights_go_with_the_lab(cluster: Cluster, tiny: Lab) -> None:
    """They are owned by the Scenario, whose deletion takes them along."""
    for where in (
        f"{BINDINGS}/clusterrolebindings/faultline-learner-{tiny.name}",
        f"{BINDINGS}/namespaces/{SYSTEM_NAMESPACE}/rolebindings/learner-{tiny.name}",
    ):
        (owner,) = (cluster.get(where) or {})["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Scenario", tiny.name)


def test_a_lab_without_a_namespace_has_no_learner(cluster: Cluster) -> None:
    nowhere = _labs.Lab({"metadata": {"name": "not-there", "uid": "0"}, "spec": {"slug": "tiny"}})
    with pytest.raises(FaultlineError) as caught:
        _learner.kubeconfig(cluster, nowhere, 600)
    assert caught.value.code == "FL334"
    assert kubectl("get", "serviceaccounts", "-n", "lab-not-there", check=False).stdout == ""
