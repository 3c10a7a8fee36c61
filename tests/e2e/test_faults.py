"""Every edge fault in a real lab: felt on the data path while it lasts, gone afterwards, whatever dies in between."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from tests.e2e.lab import Lab, kubectl, wait_for

pytestmark = pytest.mark.beside

LASTS, PAUSE = 2.0, 2.5
FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("bandwidth", "web->redis", {"rate": 100}),
    ("blackhole", "client->web", {}),
    ("flapping", "web->postgres", {"period": "500ms", "state": "reset"}),
    ("latency", "web->postgres", {"delay": "150ms"}),
    ("limit_data", "web->redis", {"size": 40000}),
    ("partition", "primary->replica", {}),
    ("replies_lost", "client->web", {}),
    ("reset", "web->redis", {}),
    ("slicer", "client->web", {"size": 1000, "delay": "20ms"}),
    ("slow_close", "client->web", {"delay": "300ms"}),
    ("none", "", {}),
]
KILL = """
import os, pathlib, signal
for each in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    if b"faultline.injector" in each.read_bytes() and b"tini" not in each.read_bytes():
        os.kill(int(each.parent.name), signal.SIGKILL)
"""


def plan(run: str, faults: list[dict[str, Any]]) -> dict[str, Any]:
    """A plan whose lease nobody has to renew."""
    return {"run": run, "lease_seconds": 60, "faults": faults}


def one_fault(type: str = "partition", edge: str = "web->redis", seconds: float = 60) -> dict[str, Any]:
    """A fault that is on from now."""
    now = time.time()
    return {"name": "f", "type": type, "edge": edge, "start": now, "end": now + seconds, "params": {}}


@pytest.fixture(scope="module")
def results(tiny: Lab) -> dict[str, dict[str, Any]]:
    """What became of each fault by its type: one after the other on an edge, edges side by side.

    Each edge has a Toxiproxy and a probe of its own, and the probe asks nothing that takes another edge. The control,
    which has no edge, finds nothing while others are on.
    """
    start = time.time() + 3
    faults: list[dict[str, Any]] = []
    for type, edge, params in FAULTS:
        at = start + sum(each["edge"] == edge for each in faults) * (LASTS + PAUSE)
        name = type.replace("_", "-")
        faults.append({"name": name, "type": type, "edge": edge, "start": at, "end": at + LASTS, "params": params})
    tiny.injector("PUT", "/plan", plan("e2e-all", faults))
    time.sleep(max(0.0, max(each["end"] for each in faults) + PAUSE - time.time()))
    return {each["type"]: each for each in tiny.injector("DELETE", "/plan/e2e-all")}


@pytest.mark.parametrize("type", [each[0] for each in FAULTS if each[0] != "none"])
def test_is_felt_while_it_lasts_and_gone_afterwards(results: dict[str, dict[str, Any]], type: str) -> None:
    fault = results[type]
    assert fault["error"] == ""
    assert fault["plannedStart"] <= fault["applied"] <= fault["observed"] < fault["reverted"] <= fault["cleared"]
    assert fault["cleared"] - fault["plannedEnd"] < PAUSE


def test_the_control_finds_nothing(results: dict[str, dict[str, Any]]) -> None:
    assert results["none"]["applied"]
    assert results["none"]["observed"] is None


def test_clients_connections_are_counted_on_their_edge(tiny: Lab) -> None:
    def count() -> float:
        page = str(tiny.injector("GET", "/metrics"))
        found = re.search(r'faultline_edge_connections_total\{edge="client->web"\} ([0-9.]+)', page)
        assert found, "connections are not counted here"
        return float(found[1])

    before = count()
    pod = kubectl("-n", tiny.harness, "get", "pod", "-l", "app=edges", "-o", "jsonpath={.items[0].status.podIP}").stdout
    dial = f"import socket; [socket.create_connection(('{pod}', 21000), 3).close() for _ in range(5)]"
    kubectl("-n", tiny.harness, "exec", "deploy/loadgen", "--", "python", "-c", dial)
    wait_for("5 more connections", lambda: count() >= before + 5, 3)


def kill(lab: Lab) -> None:
    """SIGKILL for the injector's process, from inside its container."""
    kubectl("-n", lab.harness, "exec", "deploy/edges", "-c", "injector", "--", "python", "-c", KILL, check=False)


def state(lab: Lab) -> dict[str, Any]:
    """The injector's state, empty while it does not answer."""
    try:
        return dict(lab.injector("GET", "/state"))
    except Exception as error:
        return {"edges": {}, "error": str(error)}


def test_killed_injector_goes_on_with_its_plan(tiny: Lab) -> None:
    tiny.injector("PUT", "/plan", plan("e2e-kill", [one_fault()]))
    wait_for("the fault", tiny.toxics, 5)
    kill(tiny)
    wait_for("the fault again", lambda: any(edge["toxics"] for edge in state(tiny)["edges"].values()), 20)
    [fault] = tiny.injector("DELETE", "/plan/e2e-kill")
    assert fault["gap"] > 0
    assert tiny.toxics() == []


def test_killed_injector_leaves_nothing_when_its_lease_is_lost(tiny: Lab) -> None:
    wait_for("the injector", lambda: state(tiny).get("alive") is False, 60)
    tiny.injector("PUT", "/plan", plan("e2e-lost", [one_fault("blackhole", "client->web")]) | {"lease_seconds": 1})
    kill(tiny)
    wait_for("an answer by the client's way", lambda: visits(tiny), 60)
    assert state(tiny).get("alive") is False


def visits(lab: Lab) -> bool:
    """Whether a client gets an answer."""
    try:
        return bool(lab.visit("/visits"))
    except Exception:
        return False
