"""A run from Queued to Done, and what happens to its faults when it is stopped or its objects are deleted."""

from __future__ import annotations

import json

from tests.e2e.lab import GONE_SECONDS, Lab, kubectl, wait_for

from faultline.api.cpu import LEAST_MILLIS, millis
from faultline.host.home import Home
from faultline.names import ANNOTATION_CPU


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
    assert_scaled(tiny, status["cpuScale"])


def assert_scaled(lab: Lab, scale: float) -> None:
    """Each pod has in force what its part may use on the reference machine, times what this machine takes longer."""
    pods = lab.pods(lab.namespace)
    assert {each["metadata"]["labels"]["app"] for each in pods} >= {"web", "postgres", "redis"}
    for pod in pods:
        name, _, cpu = pod["metadata"]["annotations"][ANNOTATION_CPU].partition("=")
        [found] = [each for each in pod["status"]["containerStatuses"] if each["name"] == name]
        assert millis(found["resources"]["limits"]["cpu"]) == max(LEAST_MILLIS, round(millis(cpu) * scale))


def test_stop_ends_the_faults_and_the_run(tiny: Lab) -> None:
    where = tiny.start_run("e2e-stopped")
    tiny.wait_fault(where)
    tiny.injector("POST", "/stop")
    assert tiny.toxics() == []
    status = tiny.wait_done(where)
    assert status["verdict"] == "inconclusive"


def test_deleting_a_run_ends_its_faults(tiny: Lab) -> None:
    where = tiny.start_run("e2e-deleted")
    tiny.wait_fault(where)
    kubectl("delete", "run", "e2e-deleted", "--timeout=30s")
    wait_for("all faults gone", lambda: tiny.toxics() == [], GONE_SECONDS, every=0.1)


def test_deleting_a_scenario_mid_fault_blocks_nobody(tiny: Lab) -> None:
    where = tiny.start_run("e2e-lab-deleted")
    tiny.wait_fault(where)
    kubectl("delete", "scenario", tiny.name, "--timeout=30s")
    wait_for("the lab gone", tiny.gone, 60)
