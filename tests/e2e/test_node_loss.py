"""A node that is lost and comes back, on a cluster of several: `make test-nodes` makes one first."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.e2e.lab import SCENARIOS, TINY, Lab, kubectl, wait_for

from faultline.cli import _labs, _publish
from faultline.cli._cluster import Cluster
from faultline.errors import FaultlineError

pytestmark = pytest.mark.long
NAME, REPLICAS = "e2e-nodes", 2
LASTS = 8.0
LEAD = 5.0
"""The helper has to have seen the order before its time."""
BACK_SECONDS = 90.0
"""For a node to boot, and its pods after it."""


@pytest.fixture(scope="module")
def lab(cluster: Cluster) -> Iterator[Lab]:
    """Two pods of one of our own services, which Kubernetes spreads over the workers."""
    nodes = [each["metadata"]["name"] for each in cluster.items("/api/v1/nodes")]
    assert len(nodes) >= 3, f"a cluster of three nodes is needed, got {nodes}: make test-nodes"
    _publish.folders(cluster, SCENARIOS)
    manifest = yaml.safe_load((TINY / "scenario.yaml").read_text())
    manifest["metadata"]["name"] = NAME
    web = {"name": "web", "module": "payments.main:app", "shared": True, "replicas": REPLICAS, "cpu": "150m"}
    manifest["spec"]["app"] = {"entry": "web", "services": [web | {"memory": "128Mi"}]}
    manifest["spec"]["faults"] = [{"name": "nothing", "at": "0s", "for": "1s", "none": {}}]
    one = Lab(cluster, NAME)
    one.delete()
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    one.wait_ready()
    yield one
    one.remove()


def running(node: str) -> bool:
    """Whether the node's container runs, as the engine says."""
    asked = ["docker", "inspect", "--format", "{{.State.Running}}", node]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == "true"


def lose(lab: Lab, run: str, start: float, seconds: float) -> None:
    """A plan with that one fault."""
    fault = {"name": "lost", "type": "node_loss", "start": start, "end": start + seconds, "seed": 7}
    fault["params"] = {"service": "web"}
    lab.injector("PUT", "/plan", {"run": run, "lease_seconds": 60, "faults": [fault]}, seconds=30)


def state(lab: Lab, run: str) -> dict[str, Any]:
    """Of the fault; the plan's lease is renewed."""
    lab.injector("POST", "/lease", {"run": run})
    fault = dict(lab.injector("GET", "/state")["faults"][0])
    assert not fault["error"], fault["error"]
    return fault


def whole(lab: Lab) -> bool:
    """Whether every pod is Ready and every node too."""
    pods = lab.pods(lab.namespace, "app=web")
    return len(pods) == REPLICAS and all(map(_labs.is_ready, [*pods, *lab.cluster.items("/api/v1/nodes")]))


def answers(lab: Lab) -> bool:
    """Whether the service answers, by any of its pods."""
    try:
        return bool(lab.visit("/healthz")["status"] == "ok")
    except FaultlineError:
        return False


def test_a_node_is_lost_while_it_lasts_and_back_afterwards(lab: Lab) -> None:
    start = time.time() + LEAD
    lose(lab, "e2e-node", start, LASTS)
    wait_for("the kill", lambda: state(lab, "e2e-node").get("applied"), LEAD + 10)
    node = state(lab, "e2e-node")["target"]
    assert not running(node)
    wait_for("its end", lambda: state(lab, "e2e-node").get("cleared"), LASTS + BACK_SECONDS)
    assert running(node)
    [fault] = lab.injector("DELETE", "/plan/e2e-node", seconds=30)
    assert fault["error"] == ""
    assert abs(fault["applied"] - start) < 1
    assert fault["applied"] <= fault["observed"] < fault["reverted"] <= fault["cleared"]
    assert fault["depth"] >= 1 / REPLICAS
    wait_for("all pods and nodes", lambda: whole(lab), BACK_SECONDS)


def test_a_node_comes_back_when_the_injector_is_gone(lab: Lab) -> None:
    lose(lab, "e2e-node-gone", time.time() + LEAD, 300)
    wait_for("the kill", lambda: state(lab, "e2e-node-gone").get("applied"), LEAD + 10)
    node = state(lab, "e2e-node-gone")["target"]
    lab.kill_injector_pod()
    wait_for("the node", lambda: running(node), BACK_SECONDS)
    wait_for("all pods and nodes", lambda: whole(lab), BACK_SECONDS)
    wait_for("an answer", lambda: answers(lab), 30)
