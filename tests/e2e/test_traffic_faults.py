"""Faults made of traffic and on clocks in a real lab, and every measure that reads the harness in a real run."""

from __future__ import annotations

import copy
import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.e2e.lab import SCENARIOS, Lab, kubectl, wait_for

from faultline.cli import _publish
from faultline.cli._cluster import Cluster
from faultline.host.home import Home

pytestmark = pytest.mark.beside

NAME, RUN = "e2e-traffic", "e2e-traffic"
RATE = 20
CLOCK = {"service": "web", "by": "45s"}
FAULTS: list[dict[str, Any]] = [
    {"name": "rush", "at": "0s", "for": "3s", "surge": {"factor": 3}},
    {"name": "jump", "at": "1s", "for": "4s", "clock_step": CLOCK},
    {"name": "drift", "at": "6s", "for": "4s", "clock_skew": {"service": "web", "rate": 1.5}},
    {"name": "famous", "at": "3s", "for": "3s", "hot_key": {"share": 0.6}},
    {"name": "greedy", "at": "6s", "for": "3s", "abusive_client": {"rate": 25}},
    {"name": "poison", "at": "9s", "for": "2s", "poison_message": {"count": 6}},
    {"name": "cut", "at": "11s", "for": "3s", "edge": "web->redis", "partition": {}},
    {"name": "storm", "at": "11s", "for": "3s", "retry_storm": {"retries": 2}},
]
TRAFFIC = ("rush", "famous", "greedy", "poison", "storm")
MEASURES: dict[str, dict[str, Any]] = {
    "backend_share": {"service": "web"},
    "load_imbalance": {"service": "web"},
    "connections_in_use": {},
    "cost_per_1000": {},
    "queue_age": {"queue": "jobs"},
    "queue_depth": {"queue": "pages"},
    "replica_lag": {"statistic": "mean"},
    "availability": {"fault": "greedy"},
    "throughput": {"phases": ["baseline"]},
    "promql": {
        "query": 'sum(increase(faultline_load_requests_total{run="$run",fault!=""}$range))',
        "unit": "requests",
        "direction": "lower",
        "phases": ["fault"],
    },
}
HIGHER = ("availability", "throughput")
MANY = {f"connections_in_use {store}": {"store": store} for store in ("postgres-replica", "redis")}


def _objective(name: str, measure: str, parameters: dict[str, Any]) -> dict[str, Any]:
    target, worst = (1, 0) if measure in HIGHER else (0, 1000)
    return {"name": name, "weight": 1, "target": target, "worst": worst, "reason": "a number", measure: parameters}


@pytest.fixture(scope="module")
def lab(cluster: Cluster, tiny_manifest: dict[str, Any]) -> Iterator[Lab]:
    """A lab of this module's own."""
    _publish.folders(cluster, SCENARIOS)
    manifest = copy.deepcopy(tiny_manifest)
    manifest["metadata"]["name"] = NAME
    spec = manifest["spec"]
    spec["app"]["queues"] = [
        {"name": "jobs", "redis": "jobs"},
        {"name": "pages", "sql": "SELECT count(*), NULL::timestamptz FROM pages"},
    ]
    spec["phases"] = {"baseline": "4s", "fault": "15s", "recovery": "4s", "drain": "2s"}
    spec["faults"] = FAULTS
    spec["objectives"] = [_objective(name, name, parameters) for name, parameters in MEASURES.items()]
    spec["objectives"] += [_objective(name, name.split()[0], parameters) for name, parameters in MANY.items()]
    one = Lab(cluster, NAME)
    one.delete()
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    one.wait_ready()
    yield one
    one.remove()


@pytest.fixture(scope="module")
def status(lab: Lab) -> dict[str, Any]:
    """One run with all of them."""
    return lab.wait_done(lab.start_run(RUN), 150)


@pytest.fixture(scope="module")
def faults(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By name."""
    return {each["name"]: each for each in status["faults"]}


@pytest.fixture(scope="module")
def history(status: dict[str, Any]) -> list[dict[str, Any]]:
    """Every request."""
    packed = Home.from_environment().data / "runs" / RUN / "history.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(packed.read_bytes()).splitlines()]


@pytest.mark.parametrize("name", [each["name"] for each in FAULTS])
def test_is_felt_while_it_lasts_and_gone_afterwards(faults: dict[str, Any], name: str) -> None:
    fault = faults[name]
    assert fault.get("error", "") == ""
    assert abs(fault["applied"] - fault["plannedStart"]) < 1
    assert fault["applied"] <= fault["observed"] < fault["reverted"] <= fault["cleared"]
    assert fault["depth"] > 0.3


@pytest.mark.parametrize("name", TRAFFIC)
def test_its_own_requests_are_within_its_time(faults: dict[str, Any], history: list[dict[str, Any]], name: str) -> None:
    sent = [line["intended"] for line in history if line.get("fault") == name]
    if name in ("rush", "famous"):
        assert sent == []
        return
    assert sent
    assert faults[name]["plannedStart"] <= min(sent)
    assert max(sent) <= faults[name]["plannedEnd"]


def test_the_load_is_what_the_faults_say(faults: dict[str, Any], history: list[dict[str, Any]]) -> None:
    def within(name: str) -> list[dict[str, Any]]:
        fault = faults[name]
        return [line for line in history if fault["plannedStart"] <= line["intended"] < fault["plannedEnd"]]

    clients = [line for line in within("rush") if "fault" not in line]
    assert 3 * 3 * RATE * 0.6 < len(clients) < 3 * 3 * RATE * 1.4
    hot = [line["key"] == "home" for line in within("famous") if "fault" not in line]
    assert 0.4 < sum(hot) / len(hot) < 0.8
    assert all(line["key"] != "home" for line in history if line not in within("famous"))
    assert {line["op"] for line in within("greedy") if line.get("fault") == "greedy"} == {"list"}
    assert len([line for line in history if line.get("fault") == "poison"]) == 6
    failed = [line for line in within("storm") if line["op"] == "visit" and "fault" not in line]
    assert len([line for line in within("storm") if line.get("fault") == "storm"]) > 0.3 * len(failed)


def test_clocks_were_off_by_what_was_asked(faults: dict[str, Any]) -> None:
    assert 40 < faults["jump"]["depth"] < 46
    assert 0.3 < faults["drift"]["depth"] < 2
    assert faults["jump"]["target"].startswith("web-")


def test_every_measure_has_its_number(status: dict[str, Any]) -> None:
    values = {each["name"]: each.get("value", each.get("problem")) for each in status["objectives"]}
    assert [name for name, value in values.items() if not isinstance(value, int | float)] == [], values
    assert values["backend_share"] == values["load_imbalance"] == 1
    assert 0 < values["availability"] <= 1
    assert values["queue_age"] == 0
    assert values["queue_depth"] >= 1
    assert values["replica_lag"] < 1
    assert values["connections_in_use"] >= 1
    assert values["promql"] >= 6


def test_a_clock_is_right_again_when_the_injector_dies(lab: Lab, status: dict[str, Any]) -> None:
    def ahead() -> float:
        return float(lab.visit("/faultline/clock")["now"]) - time.time()

    now = time.time()
    fault = {"name": "f", "type": "clock_step", "start": now + 1, "end": now + 60, "params": CLOCK}
    plan = {"run": "e2e-clock", "lease_seconds": 60, "faults": [fault]}
    lab.injector("PUT", "/plan", plan)
    wait_for("the shift", lambda: ahead() < -40, 10)
    kubectl("-n", lab.harness, "scale", "deploy/edges", "--replicas=0")
    kubectl("-n", lab.harness, "delete", "pod", "-l", "app=edges", "--force", "--grace-period=0")

    def by_the_app() -> float:
        script = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/faultline/clock').read().decode())"
        done = kubectl("-n", lab.namespace, "exec", "deploy/web", "-c", "app", "--", "python", "-c", script)
        return float(json.loads(done.stdout)["now"]) - time.time()

    try:
        wait_for("the right time", lambda: abs(by_the_app()) < 5, 10)
    finally:
        kubectl("-n", lab.harness, "scale", "deploy/edges", "--replicas=1")
