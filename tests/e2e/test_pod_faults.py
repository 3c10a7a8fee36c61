"""Every fault on pods in a real lab: felt while it lasts, gone afterwards, and let go of when the injector dies."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.e2e.lab import SCENARIOS, TINY, Lab, kubectl, wait_for

from faultline.api.cpu import millis
from faultline.cli import _labs, _publish
from faultline.cli._cluster import Cluster
from faultline.grading.evidence import CPU_SCALE_LIMITS
from faultline.names import ANNOTATION_FAULT

pytestmark = pytest.mark.beside

NAME, REPLICAS = "e2e-pods", 2
FAULTS: dict[str, list[tuple[str, float, float, dict[str, Any]]]] = {
    # service: one after the other: type, how long it lasts, how long its aftermath may last, parameters
    "web": [
        ("pause", 2, 2, {"pods": 1}),
        ("cpu_throttle", 4, 3, {"percent": 100, "cpu": "10m"}),
        ("memory_pressure", 2, 3, {"pods": 1, "fill": 90}),
        ("scale", 3, 9, {"replicas": 1}),
    ],
    "twin": [
        ("kill", 1, 9, {"pods": 1}),
        ("bad_rollout", 4, 12, {"unavailable": 50}),
        ("kill_repeatedly", 5, 10, {"every": "4s"}),
    ],
}
TYPES = [each[0] for faults in FAULTS.values() for each in faults]


def manifest() -> str:
    """Two services of two pods, of one of our own, and no data store, which is up soon."""
    found = yaml.safe_load((TINY / "scenario.yaml").read_text())
    found["metadata"]["name"] = NAME
    like = {"module": "payments.main:app", "shared": True, "replicas": REPLICAS, "cpu": "150m", "memory": "128Mi"}
    found["spec"]["app"] = {"entry": "web", "services": [{"name": each, **like} for each in FAULTS]}
    found["spec"]["phases"] |= {"fault": "6s", "recovery": "8s"}
    found["spec"]["faults"] = [
        {"name": "one-dies", "at": "1s", "for": "1s", "kill": {"service": "web"}},
        {"name": "too-few", "at": "3s", "for": "3s", "scale": {"service": "web", "replicas": 1}},
    ]
    return yaml.safe_dump(found)


@pytest.fixture(scope="module")
def lab(cluster: Cluster) -> Iterator[Lab]:
    """A lab of this module's own."""
    _publish.folders(cluster, SCENARIOS)
    one = Lab(cluster, NAME)
    one.delete()
    kubectl("apply", "-f", "-", stdin=manifest())
    one.wait_ready()
    yield one
    one.remove()


def fault(type: str, start: float, seconds: float, **params: Any) -> dict[str, Any]:
    """One on the way in, unless told otherwise."""
    params = {"service": "web", **params}
    name = type.replace("_", "-")
    return {"name": name, "type": type, "start": start, "end": start + seconds, "seed": 7, "params": params}


def start(lab: Lab, run: str, *faults: dict[str, Any]) -> None:
    """A plan whose lease lasts a minute."""
    lab.injector("PUT", "/plan", {"run": run, "lease_seconds": 60, "faults": list(faults)})


def ready(lab: Lab) -> bool:
    """Whether each service has its pods, all of them answering, and nothing is marked by a fault."""
    return all(fit(lab, each) == [True] * REPLICAS for each in FAULTS) and not marked(lab)


def fit(lab: Lab, service: str) -> list[bool]:
    """Of each of a service's pods, whether it is Ready."""
    return [_labs.is_ready(each) for each in lab.pods(lab.namespace, f"app={service}")]


def marked(lab: Lab) -> list[str]:
    """What bears the mark of a fault."""
    found = lab.pods(lab.namespace) + lab.cluster.items(f"/apis/apps/v1/namespaces/{lab.namespace}/deployments")
    return [
        each["metadata"]["name"] for each in found if ANNOTATION_FAULT in (each["metadata"].get("annotations") or {})
    ]


def limited(lab: Lab) -> bool:
    """Whether the services' pods have their own CPU limits: 150m scaled to the machine, not a core or a fault's."""
    pods = [pod for each in FAULTS for pod in lab.pods(lab.namespace, f"app={each}")]
    limits = [millis(each["spec"]["containers"][0]["resources"]["limits"]["cpu"]) for each in pods]
    least, most = CPU_SCALE_LIMITS
    return all(150 * least <= each <= 150 * most for each in limits)


@pytest.fixture(scope="module")
def results(lab: Lab) -> dict[str, dict[str, Any]]:
    """What became of each fault, those of one service one after the other, by its type."""
    begin, faults, last = time.time() + 2, [], 0.0
    for service, chain in FAULTS.items():
        at = begin
        for type, lasts, aftermath, params in chain:
            faults.append(fault(type, at, lasts, service=service, **params))
            at += lasts + aftermath
        last = max(last, at)
    start(lab, "e2e-pods", *faults)
    deadline = last + 20
    while time.time() < deadline:
        time.sleep(2)
        lab.injector("POST", "/lease", {"run": "e2e-pods"})
        if all(each["cleared"] for each in lab.injector("GET", "/state")["faults"]):
            break
    return {each["type"]: each for each in lab.injector("DELETE", "/plan/e2e-pods")}


@pytest.mark.parametrize("type", TYPES)
def test_is_felt_while_it_lasts_and_gone_afterwards(results: dict[str, dict[str, Any]], type: str) -> None:
    fault = results[type]
    assert fault["error"] == ""
    assert fault["target"]
    assert fault["plannedStart"] <= fault["applied"] <= fault["observed"] < fault["reverted"] <= fault["cleared"]
    assert fault["depth"] > 0.02


def test_leaves_the_service_as_it_was(lab: Lab, results: dict[str, dict[str, Any]]) -> None:
    wait_for("the service as it was", lambda: ready(lab), 30)
    wait_for("its own CPU limits", lambda: limited(lab), 30)


def answering(lab: Lab) -> bool:
    """Whether an injector answers."""
    try:
        return "edges" in lab.injector("GET", "/state")
    except Exception:
        return False


def test_what_a_lost_injector_left_is_put_back_by_the_next(lab: Lab, results: dict[str, dict[str, Any]]) -> None:
    wait_for("the service as it was", lambda: ready(lab), 30)
    now = time.time()
    # A pod more rather than one less: which one goes is not ours to choose, and its mark would go with it.
    throttle = fault("cpu_throttle", now + 2, 60, percent=100, cpu="20m")
    start(lab, "e2e-lost", fault("pause", now, 60), throttle, fault("scale", now + 3, 60, replicas=REPLICAS + 1))
    wait_for("the faults", lambda: all(each["applied"] for each in lab.injector("GET", "/state")["faults"]), 15)
    assert len(marked(lab)) >= 2
    lab.kill_injector_pod()
    wait_for("what it left is put back", lambda: ready(lab) and limited(lab), 60)
    wait_for("another injector", lambda: answering(lab), 30)
    wait_for("an answer", lambda: lab.visit("/healthz")["status"] == "ok", 10)


def test_run_with_such_faults_is_not_taken_for_one_with_new_code(lab: Lab, results: dict[str, dict[str, Any]]) -> None:
    wait_for("an injector", lambda: answering(lab), 30)
    lab.wait_ready()
    where = lab.start_run("e2e-pods-run")
    try:
        status = lab.wait_done(where)
    finally:
        lab.cluster.delete(where)
    felt = [each["name"] for each in status["faults"] if each.get("observed") and each.get("cleared")]
    assert felt == ["one-dies", "too-few"], status
    # Words, since a reason may name a command of `faultline`: the noise of the lab beside this one is no matter here.
    assert not [each for each in status["reasons"] if re.search(r"\b(faults?|changed|restarted)\b", each)]


def test_names_outside_the_lab_are_refused(lab: Lab, results: dict[str, dict[str, Any]]) -> None:
    wait_for("an injector", lambda: answering(lab), 30)
    with pytest.raises(Exception, match=r"faults\[0\].params.service must be one of twin, web, got 'loadgen'"):
        start(lab, "e2e-outside", fault("kill", time.time() + 1, 1, service="loadgen"))
