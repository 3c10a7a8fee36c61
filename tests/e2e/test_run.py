"""A run from Queued to Done, and what happens to its faults when parts of Faultline die or are told to stop."""

from __future__ import annotations

import json
import time

from tests.e2e.lab import Lab, kubectl, wait_for

from faultline.host.home import Home
from faultline.names import SYSTEM_NAMESPACE

GONE_SECONDS = 5.0
"""The promise: no fault is left this long after the operator is killed."""


def wait_for_fault(lab: Lab, where: str) -> None:
    """Until the run's fault is on."""
    wait_for("the fault", lambda: lab.run_status(where).get("phase") == "Fault" and lab.toxics(), 90)


def test_a_run_grades_what_it_saw(tiny: Lab) -> None:
    run, status = tiny.graded_run("e2e-whole")
    assert status.get("reasons", []) == []
    assert status["verdict"] == "fail"
    [objective] = status["objectives"]
    assert 0 < objective["value"] < 0.7
    assert objective["query"].startswith("sum(faultline_load_requests_total")
    [fault] = status["faults"]
    assert 0 <= fault["applied"] - fault["plannedStart"] < 1
    assert 0 <= fault["reverted"] - fault["plannedEnd"] < 1
    assert [each["name"] for each in status["phases"]][-6:] == [
        "Baseline", "Fault", "Recovery", "Drain", "FinalReads", "Grading",
    ]  # fmt: skip
    assert tiny.toxics() == []
    folder = Home.from_environment().data / "runs" / run
    assert json.loads((folder / "run.json").read_text())["status"]["score"] == status["score"]
    assert (folder / "history.jsonl.gz").stat().st_size > 0
    described = kubectl("describe", "run", run).stdout
    assert "verdict" in described.lower()


def test_no_fault_outlives_the_operator_and_its_run_ends_inconclusive(tiny: Lab) -> None:
    where = tiny.start_run("e2e-operator-killed")
    wait_for_fault(tiny, where)
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


def test_stop_ends_the_faults_and_the_run(tiny: Lab) -> None:
    where = tiny.start_run("e2e-stopped")
    wait_for_fault(tiny, where)
    tiny.injector("POST", "/stop")
    assert tiny.toxics() == []
    status = tiny.wait_done(where)
    assert status["verdict"] == "inconclusive"


def test_deleting_a_run_ends_its_faults(tiny: Lab) -> None:
    where = tiny.start_run("e2e-deleted")
    wait_for_fault(tiny, where)
    kubectl("delete", "run", "e2e-deleted", "--timeout=30s")
    wait_for("all faults gone", lambda: tiny.toxics() == [], GONE_SECONDS, every=0.1)


def test_deleting_a_scenario_mid_fault_blocks_nobody(tiny: Lab) -> None:
    where = tiny.start_run("e2e-lab-deleted")
    wait_for_fault(tiny, where)
    kubectl("delete", "scenario", tiny.name, "--timeout=30s")
    wait_for("the lab gone", tiny.gone, 60)
