"""Set-up on this machine: images from a registry, what `up` leaves alone, what it says when something is wrong."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.lab import wait_for

from faultline.host import bases, binaries, capability, cluster, images, priority, process
from faultline.host.home import REPO, Home
from faultline.host.process import Log

pytestmark = pytest.mark.e2e

BASE = "debian:trixie-slim"


@pytest.fixture(scope="module")
def home() -> Home:
    return Home.from_environment()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    found = Log(tmp_path / "log")
    yield found
    found.close()


def faultline(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "faultline", *args]
    return subprocess.run(
        command, env={**os.environ, **env}, cwd=REPO, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's docker-registry on a port of this host's loopback, which every engine takes without TLS."""
    program = shutil.which("docker-registry")
    if not program:
        assert os.geteuid() == 0, "docker-registry is not installed: apt-get install docker-registry"
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for args in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "docker-registry"]):
            subprocess.run(["apt-get", *args], check=True, env=environment, capture_output=True)
        program = shutil.which("docker-registry")
        assert program
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with (folder / "log").open("wb") as out:
        server = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=out, stderr=out)
    try:
        host, port = address.split(":")
        wait_for("the registry", lambda: _listens(host, int(port)), 20)
        yield address
    finally:
        server.terminate()
        server.wait()


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


@pytest.fixture
def scratch(registry: str) -> Iterator[str]:
    """The base image in that registry under a name that the engine does not have."""
    name = "faultline-scratch/base:1"
    remote = f"{registry}/{name}"
    process.output(["docker", "tag", BASE, remote])
    process.output(["docker", "push", remote], timeout=120)
    process.output(["docker", "image", "rm", remote])
    yield name
    for each in (remote, name):
        if bases.present(each):
            process.output(["docker", "image", "rm", each])


def test_an_image_is_pulled_where_a_registry_answers_and_keeps_its_name(
    registry: str, scratch: str, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setenv("FAULTLINE_REGISTRY", registry)
    assert not bases.present(scratch)
    assert bases.pull(scratch, log)
    identity = ["docker", "image", "inspect", "--format", "{{.Id}}"]
    assert process.output([*identity, scratch]) == process.output([*identity, BASE])


def test_a_registry_that_has_no_such_image_is_answered_by_a_build(
    registry: str, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setenv("FAULTLINE_REGISTRY", registry)
    assert not bases.pull("faultline-scratch/nothing:1", log)


def test_a_registry_that_never_answers_is_given_up_within_seconds(monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("FAULTLINE_REGISTRY", f"127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert not bases.pull(BASE, log)
    assert time.monotonic() - began < bases.PROBE_SECONDS + 10


def test_kubectl_comes_out_of_a_pulled_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    """Our own node image stands for kind's: both have kubectl in /usr/bin."""
    node = bases.KIND_NODE if bases.present(bases.KIND_NODE) else images.ref("node")
    monkeypatch.setattr(bases, "KIND_NODE", node)
    monkeypatch.setattr(binaries.shutil, "which", lambda name: None)
    monkeypatch.setenv("FAULTLINE_HOME", str(tmp_path))
    scratch_home = Home.from_environment()
    binaries.bring(scratch_home, log, ["kubectl"])
    assert binaries.is_there(scratch_home, "kubectl")
    assert node in log.tail()


def test_the_cluster_can_do_what_labs_need(home: Home) -> None:
    findings = capability.check_cluster(home)
    assert {finding.name: finding.state for finding in findings} == {
        "resource definitions": "ok",
        "cluster DNS": "ok",
        "storage": "ok",
        "in-place resize": "ok",
        "egress rules": "ok",
    }, findings


def test_a_second_up_changes_nothing(home: Home) -> None:
    done = faultline("up", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = {step["name"]: step["skipped"] for step in json.loads(done.stdout)["steps"]}
    assert all(steps[name] for name in ("engine", "bases", "images", "binaries", "cluster", "load", "capability"))


def test_doctor_finds_no_problem_here() -> None:
    done = faultline("doctor", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {finding["name"]: finding["state"] for finding in json.loads(done.stdout)}
    assert "problem" not in found.values()
    assert {"memory", "disk", "docker engine", "ports"} <= set(found)


def test_a_context_that_is_not_there_is_refused_before_anything_is_done() -> None:
    done = faultline("up", "--context", "nowhere", "-o", "json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "FL302"


def test_a_cluster_of_ones_own_needs_a_registry(home: Home) -> None:
    """Our own kubeconfig plays the user's; nothing is touched, for the refusal comes first."""
    done = faultline("up", "--context", "kind-faultline", "-o", "json", KUBECONFIG=str(home.kubeconfig))
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "FL145"


def test_the_control_plane_asks_for_no_more_than_what_measures(home: Home) -> None:
    listing = cluster.kubectl(home, "get", "pods", "-n", "kube-system", "-o", "json")
    asked = {
        container["name"]: container["resources"].get("requests", {}).get("cpu")
        for pod in json.loads(listing)["items"]
        for container in pod["spec"]["containers"]
    }
    assert cluster.CONTROL_PLANE_CPU.items() <= asked.items()


def test_pods_come_before_what_else_the_node_runs() -> None:
    shares = ("cpu/kubelet.slice/cpu.shares", "kubelet.slice/cpu.weight")
    for node in cluster.node_containers():
        found = [
            process.output(["docker", "exec", node, "cat", f"/sys/fs/cgroup/{file}"])
            for file in shares
            if process.succeeds(["docker", "exec", node, "test", "-e", f"/sys/fs/cgroup/{file}"])
        ]
        assert [int(text) for text in found] in ([1024 * priority.TIMES], [100 * priority.TIMES])
