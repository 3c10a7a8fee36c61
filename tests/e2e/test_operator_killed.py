"""The operator is killed: no fault outlives it, its run ends without a verdict, and the next one redeploys nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.e2e.lab import GONE_SECONDS, TINY, Lab, kubectl, wait_for

from faultline.names import SYSTEM_NAMESPACE


@dataclass(frozen=True)
class Killed:
    """The operator that was killed while a fault was on, its run, and the lab's pods at that moment."""

    pod: str
    run: str
    pods: set[str]


@pytest.fixture(scope="module")
def killed(tiny: Lab) -> Killed:
    """One kill for both tests: the next operator takes its Lease no sooner than 15 s later."""
    where = tiny.start_run("e2e-operator-killed")
    tiny.wait_fault(where)
    before = _pods(tiny)
    [pod] = tiny.pods(SYSTEM_NAMESPACE, "app=operator")
    name = pod["metadata"]["name"]
    kubectl("-n", SYSTEM_NAMESPACE, "delete", "pod", name, "--grace-period=0", "--force")
    return Killed(name, where, before)


def test_no_fault_outlives_the_operator_and_its_run_ends_inconclusive(tiny: Lab, killed: Killed) -> None:
    wait_for("all faults gone", lambda: tiny.toxics() == [], GONE_SECONDS, every=0.1)
    status = tiny.wait_done(killed.run)
    assert status["verdict"] == "inconclusive"
    assert "operator" in " ".join(status["reasons"])


def test_a_new_operator_redeploys_nothing(tiny: Lab, killed: Killed) -> None:
    tiny.wait_done(killed.run)
    wait_for("the operator's lease", lambda: _holder(tiny) not in ("", killed.pod), 60)
    # Something that only a live operator does: it looks at the lab anew when its object changes, and says so.
    kubectl("patch", "scenario", tiny.name, "--type=merge", "-p", '{"spec": {"title": "Another title"}}')
    try:
        wait_for("Ready", tiny.ready, 30)
        assert _pods(tiny) == killed.pods
    finally:
        kubectl("apply", "-f", str(TINY / "scenario.yaml"))


def _pods(lab: Lab) -> set[str]:
    return {each["metadata"]["uid"] for each in lab.pods(lab.namespace) + lab.pods(lab.harness)}


def _holder(lab: Lab) -> str:
    found = lab.cluster.items(f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM_NAMESPACE}/leases")
    return next((each["spec"].get("holderIdentity") or "" for each in found), "")
