"""A lab as `kubectl apply` gives it: every edge works, and nothing gets past the edges."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.e2e.lab import Lab, kubectl, wait_for

pytestmark = pytest.mark.beside

DIAL = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
    print("connected")
except OSError as error:
    print(type(error).__name__)
"""


def dial(lab: Lab, host: str, port: int) -> str:
    """What an app pod sees when it dials: `connected`, or the name of its error."""
    done = kubectl(
        "-n",
        lab.namespace,
        "exec",
        "deploy/web",
        "-c",
        "app",
        "--",
        "python3",
        "-c",
        DIAL,
        host,
        str(port),
    )
    return done.stdout.strip()


def test_reads_and_writes_go_through_redis_primary_and_replica(tiny: Lab) -> None:
    first = tiny.visit("/visits")["visits"]
    assert tiny.visit("/visits")["visits"] == first + 1
    tiny.visit("/pages/about", method="PUT")
    pages = wait_for("replication", lambda: (found := tiny.visit("/pages")) and "about" in found and found, 10)
    assert sorted(pages) == ["about", "home"]


def test_replication_runs_through_its_edge(tiny: Lab) -> None:
    query = "SELECT application_name, state FROM pg_stat_replication"
    done = kubectl(
        "-n", tiny.namespace, "exec", "postgres-0", "-c", "postgres", "--", "psql", "-U", "postgres", "-Atc", query
    )
    assert done.stdout.strip() == "postgres-replica-0|streaming"
    metrics = tiny.injector("GET", "/metrics")
    assert 'faultline_edge_up{edge="primary->replica"} 1.0' in metrics
    query = "SELECT client_addr FROM pg_stat_replication"
    done = kubectl(
        "-n", tiny.namespace, "exec", "postgres-0", "-c", "postgres", "--", "psql", "-U", "postgres", "-Atc", query
    )
    [edges] = tiny.pods(tiny.harness, "app=edges")
    assert done.stdout.strip() == edges["status"]["podIP"]


@pytest.mark.parametrize(("service", "port"), [("postgres", 5432), ("postgres-replica", 5432), ("redis", 6379)])
def test_an_app_cannot_dial_a_dependency_past_its_edge(tiny: Lab, service: str, port: int) -> None:
    address = tiny.cluster.get(f"/api/v1/namespaces/{tiny.namespace}/services/{service}")
    pod = tiny.pods(tiny.namespace, f"app={service}")[0]["status"]["podIP"]
    assert address
    targets = [pod] if address["spec"]["clusterIP"] == "None" else [pod, address["spec"]["clusterIP"]]
    for target in targets:
        assert dial(tiny, target, port) == "ConnectionRefusedError"


def test_an_app_reaches_its_edges_and_not_the_injector_or_the_api_server(tiny: Lab) -> None:
    edges = tiny.cluster.get(f"/api/v1/namespaces/{tiny.harness}/services/edges")
    assert edges
    address = edges["spec"]["clusterIP"]
    assert dial(tiny, address, 21001) == "connected"
    for host, port in ((address, 8090), ("10.96.0.1", 443)):
        assert dial(tiny, host, port) == "ConnectionRefusedError"


def test_app_pods_hold_no_api_token(tiny: Lab) -> None:
    done = kubectl(
        "-n", tiny.namespace, "exec", "deploy/web", "-c", "app", "--",
        "ls", "/var/run/secrets/kubernetes.io/serviceaccount", check=False,
    )  # fmt: skip
    assert "No such file or directory" in done.stderr


def test_every_container_is_unprivileged(tiny: Lab) -> None:
    for pod in tiny.pods(tiny.namespace) + tiny.pods(tiny.harness):
        for container in pod["spec"]["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, container["name"]
            assert context["readOnlyRootFilesystem"] is True, container["name"]
            assert context["capabilities"]["drop"] == ["ALL"], container["name"]


def test_applying_again_changes_nothing(tiny: Lab, tiny_manifest: dict[str, Any]) -> None:
    before = {each["metadata"]["uid"] for each in tiny.pods(tiny.namespace) + tiny.pods(tiny.harness)}
    generation = (tiny.cluster.get(tiny.where) or {})["metadata"]["generation"]
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(tiny_manifest))
    assert (tiny.cluster.get(tiny.where) or {})["metadata"]["generation"] == generation
    assert {each["metadata"]["uid"] for each in tiny.pods(tiny.namespace) + tiny.pods(tiny.harness)} == before
