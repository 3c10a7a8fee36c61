"""The operator is killed: no fault outlives it, its run ends without a verdict, and the next one redeploys nothing."""

from __future__ import annotations

import time

from tests.e2e.lab import GONE_SECONDS, Lab, kubectl, wait_for

from faultline.names import SYSTEM_NAMESPACE


def test_no_fault_outlives_the_operator_and_its_run_ends_inconclusive(tiny: Lab) -> None:
    where = tiny.start_run("e2e-operator-killed")
    tiny.wait_fault(where)
    [pod] = tiny.pods(SYSTEM_NAMESPACE, "app=operator")
    kubectl("-n", SYSTEM_NAMESPACE, "delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
    wait_for("all faults gone", lambda: tiny.toxics() == [], GONE_SECONDS, every=0.1)
    status = tiny.wait_done(where)
    assert status["verdict"] == "inconclusive"
    assert "operator" in " ".join(status["reasons"])


def test_a_new_operator_redeploys_nothing(tiny: Lab) -> None:
    before = {each["metadata"]["uid"] for each in tiny.pods(tiny.namespace) + tiny.pods(tiny.harness)}
    [old] = tiny.pods(SYSTEM_NAMESPACE, "app=operator")
    kubectl("-n", SYSTEM_NAMESPACE, "delete", "pod", old["metadata"]["name"], "--grace-period=0", "--force")
    kubectl("-n", SYSTEM_NAMESPACE, "rollout", "status", "deploy/operator", "--timeout=60s")
    marked = time.strftime("%Y-%m-%dT%H:%M:%S")
    # Something that only a live operator does: it answers a change of the object.
    kubectl("annotate", "scenario", tiny.name, f"e2e/touched={marked}", "--overwrite")
    wait_for("the operator's lease", lambda: _holder(tiny) not in ("", old["metadata"]["name"]), 60)
    wait_for("Ready", tiny.ready, 30)
    assert {each["metadata"]["uid"] for each in tiny.pods(tiny.namespace) + tiny.pods(tiny.harness)} == before


def _holder(lab: Lab) -> str:
    found = lab.cluster.items(f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM_NAMESPACE}/leases")
    return next((each["spec"].get("holderIdentity") or "" for each in found), "")
