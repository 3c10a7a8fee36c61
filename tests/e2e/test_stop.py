"""Whatever hangs or is down: the emergency stop ends every fault within 2 s, and what should be on comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.e2e.lab import Lab, kubectl, wait_for

from faultline.cli import _node
from faultline.cli._crash import Sampler
from faultline.host.home import REPO, Home
from faultline.names import SYSTEM_NAMESPACE
from faultline.scenario import ScenarioSpec

STOP_SECONDS = 2.0
"""The promise: from the start of the command until the last fault is gone."""
HEAL_SECONDS = 1.0
"""The promise: what should be on is on again this soon."""
LOOK_SECONDS = 0.5
"""Between two looks, on a busy machine."""
FAULTS = [
    ("late", "latency", "web->postgres", {"delay": "200ms"}),
    ("slow", "latency", "web->redis", {"delay": "100ms"}),
    ("hole", "blackhole", "client->web", {}),
]
NAMES = {name for name, *_ in FAULTS}
STUCK = """
import socket, time
redis = socket.create_connection(("edges.HARNESS.svc.cluster.local", PORT), 5)
redis.sendall(b"*3\\r\\n$3\\r\\nSET\\r\\n$3\\r\\nbig\\r\\n$1000000\\r\\n" + b"x" * 1000000 + b"\\r\\n")
assert redis.recv(5) == b"+OK\\r\\n"
redis.sendall(b"*2\\r\\n$3\\r\\nGET\\r\\n$3\\r\\nbig\\r\\n" * 16)
print("stuck", flush=True)
time.sleep(30)
"""


@pytest.fixture
def ports(tiny_manifest: dict[str, Any]) -> dict[int, str]:
    """Each edge by its port."""
    edges = ScenarioSpec.model_validate(tiny_manifest["spec"]).app.edges()
    return {edge.port: name for name, edge in edges.items()}


@pytest.fixture
def seen(tiny: Lab, ports: dict[int, str]) -> Iterator[Sampler]:
    """Faults that are on, and what is seen of them from the node."""
    wait_for("the injector", lambda: tiny.injector("GET", "/state")["alive"] is False, 30)
    now = time.time()
    faults = [
        {"name": name, "type": type, "edge": edge, "start": now, "end": now + 60, "params": params}
        for name, type, edge, params in FAULTS
    ]
    plan = {"run": f"e2e-{now:.0f}", "lease_seconds": 60, "faults": faults}
    tiny.injector("PUT", "/plan", plan)
    sampler = Sampler(tiny.name, ports, {"client->web": "hole"})
    try:
        wait_for("all faults", lambda: {each.fault for each in sampler.sightings} == NAMES, 10)
        yield sampler
    finally:
        sampler.close()


def stop() -> tuple[float, dict[str, Any]]:
    """`faultline stop --all`: when it was begun, and its answer."""
    began = time.time()
    command = [str(REPO / ".venv" / "bin" / "faultline"), "stop", "--all", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return began, json.loads(done.stdout)


def assert_gone(seen: Sampler, began: float) -> None:
    """No fault was on 2 s after the command began, nor came back."""
    time.sleep(max(0.0, began + 5 - time.time()))
    looks = seen.looks
    wait_for("one more look", lambda: seen.looks > looks, 5)
    last = max(each.began for each in seen.sightings) - began
    print(f"the last fault was gone after {last:.2f} s", file=sys.stderr)
    assert last < STOP_SECONDS


def test_a_client_that_does_not_read_holds_up_nothing(tiny: Lab, seen: Sampler, ports: dict[int, str]) -> None:
    port = next(port for port, edge in ports.items() if edge == "web->redis")
    before = tiny.injector("GET", "/state")["edges"]["web->redis"]["restarts"]
    script = STUCK.replace("HARNESS", tiny.harness).replace("PORT", str(port))
    command = ["-n", tiny.harness, "exec", "deploy/loadgen", "--", "python", "-c", script]
    with running(command) as client:
        assert client.stdout
        assert client.stdout.readline() == "stuck\n"
        time.sleep(1)
        began, _ = stop()
        assert_gone(seen, began)
    # It took the end of the process: otherwise the client was not stuck, and this test proves nothing.
    assert tiny.injector("GET", "/state")["edges"]["web->redis"]["restarts"] > before


def test_no_operator_is_needed(tiny: Lab, seen: Sampler) -> None:
    kubectl("-n", SYSTEM_NAMESPACE, "scale", "deploy/operator", "--replicas=0")
    try:
        where = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods"
        wait_for("no operator", lambda: not tiny.cluster.items(where, "app=operator"), 60)
        began, _ = stop()
        assert_gone(seen, began)
    finally:
        kubectl("-n", SYSTEM_NAMESPACE, "scale", "deploy/operator", "--replicas=1")
        kubectl("-n", SYSTEM_NAMESPACE, "rollout", "status", "deploy/operator", "--timeout=90s")


def test_no_api_server_is_needed(tiny: Lab, seen: Sampler) -> None:
    node, pid = _node.find("kube-system", "kube-apiserver")
    # It hangs, which is worse than being gone: a connection is still taken.
    _node.run(node, f"kill -STOP {pid}")
    try:
        began, answer = stop()
        assert_gone(seen, began)
    finally:
        _node.run(node, f"kill -CONT {pid}")
    [mine] = [each for each in answer["labs"] if each["lab"] == tiny.name]
    assert (sorted(mine["faults"]), mine["by_node"]) == (sorted(NAMES), True)
    wait_for("the API server", lambda: tiny.cluster.request("GET", "/readyz")[0] == 200, 60)


def test_a_killed_toxiproxy_is_back_with_its_toxics_and_the_gap_is_told(tiny: Lab, seen: Sampler) -> None:
    before = tiny.injector("GET", "/state")["edges"]
    node, pid = _node.find(tiny.harness, "injector")
    began = time.time()
    _node.run(node, f"kill -9 $(pgrep -P $(pgrep -P {pid}) toxiproxy-serve)")
    killed = time.time()
    looks = seen.looks
    wait_for("more looks", lambda: seen.looks > looks + 10, 10)
    again = min(each.began for each in seen.sightings if each.fault == "late" and each.began > killed) - began
    state = tiny.injector("GET", "/state")
    tiny.injector("POST", "/stop")
    assert again < HEAL_SECONDS + LOOK_SECONDS
    assert [name for name, edge in state["edges"].items() if edge["restarts"] <= before[name]["restarts"]] == []
    final = {each["name"]: each for each in tiny.injector("DELETE", f"/plan/{state['run']}")}
    assert 0 < final["late"]["gap"] < HEAL_SECONDS


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """kubectl in the background, ended at the end."""
    home = Home.from_environment()
    full = [str(home.bin / "kubectl"), "--kubeconfig", str(home.kubeconfig), *command]
    child = subprocess.Popen(full, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()
