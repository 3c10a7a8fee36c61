"""From the core that a container starts with to its own limit."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from faultline.api.cpu import millis
from faultline.clients.kube import Kube
from faultline.errors import Unreachable
from faultline.lab import problems
from faultline.lab.limits import check, tighten

Answer = tuple[int, Any]
"""Status and body; a text goes out as it is."""


class Server:
    """Answers as an API server would: by `METHOD PATH`, else with empty lists."""

    def __init__(self, port: int, answers: dict[str, Answer], asked: list[tuple[str, Any]]) -> None:
        self.kube = Kube(ApiClient(Configuration(host=f"http://127.0.0.1:{port}")), "tests")
        self.answers = answers
        self.asked = asked


@contextmanager
def listening() -> Iterator[Server]:
    answers: dict[str, Answer] = {}
    asked: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append((f"{self.command} {self.path}", json.loads(body) if body else None))
            status, answer = answers.get(f"{self.command} {self.path.partition('?')[0]}", (200, {"items": []}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode() if isinstance(answer, str) else json.dumps(answer).encode())

        do_PATCH = do_GET

        def log_message(self, *_: object) -> None:
            """Not on the console."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Server(server.server_port, answers, asked)
        server.shutdown()
        thread.join()


@pytest.fixture
def api() -> Iterator[Callable[..., Server]]:
    """Starts an API server whose lab `demo` has the given pods."""
    with ExitStack() as stack:

        def start(*pods: Any) -> Server:
            server = stack.enter_context(listening())
            server.answers["GET /api/v1/namespaces/lab-demo/pods"] = 200, {"items": list(pods)}
            return server

        yield start


def pod(
    limit: str, in_force: str | None = None, *, ready: bool = True, wish: str | None = "app=150m"
) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-1", "annotations": {"faultline.dev/cpu": wish} if wish else {}},
        "spec": {
            "containers": [
                {"name": "exporter", "resources": {"limits": {"cpu": "50m"}}},
                {"name": "app", "resources": {"limits": {"cpu": limit}}},
            ]
        },
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "app", "resources": {"limits": {"cpu": in_force or limit}}}],
        },
    }


def test_a_ready_pod_gets_its_limit() -> None:
    found = check(pod("1"), 1)
    assert found is not None
    assert found.patch == [
        {"op": "test", "path": "/spec/containers/1/name", "value": "app"},
        {"op": "replace", "path": "/spec/containers/1/resources/limits/cpu", "value": "150m"},
    ]
    assert str(found) == "pod/web-1: its CPU limit is not in force yet"


def test_it_counts_when_the_node_has_it() -> None:
    waiting = check(pod("150m", in_force="1"), 1)
    assert waiting is not None
    assert waiting.patch is None
    assert check(pod("150m", in_force="150m"), 1) is None


@pytest.mark.parametrize(
    ("wish", "scale", "limit"),
    [("app=150m", 1.5, "225m"), ("app=150m", 0.4, "60m"), ("app=1200m", 1.25, "1500m"), ("app=30m", 0.2, "10m")],
)
def test_a_limit_is_scaled_to_the_machine(wish: str, scale: float, limit: str) -> None:
    found = check(pod("1", wish=wish), scale)
    assert found is not None
    assert found.patch is not None
    assert found.patch[1]["value"] == limit
    assert check(pod(limit, wish=wish), scale) is None


def test_a_starting_pod_keeps_its_core() -> None:
    assert check(pod("1", ready=False), 1) is None


def test_a_pod_on_its_way_out_is_left_alone() -> None:
    leaving = pod("1")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert check(leaving, 1) is None


def test_a_pod_without_a_wish_is_left_alone() -> None:
    assert check(pod("1", wish=None), 1) is None


@pytest.mark.parametrize(("text", "value"), [("150m", 150), ("1", 1000), ("1.2", 1200), ("0.15", 150), ("2000m", 2000)])
def test_quantities_as_kubernetes_writes_them(text: str, value: int) -> None:
    assert millis(text) == value


def test_the_limit_is_asked_for_in_the_lab(api) -> None:
    server = api(pod("1"))
    assert tighten(server.kube, "demo", 1) == ["pod/web-1: its CPU limit is not in force yet"]
    (listed, _), (patched, patch) = server.asked
    assert listed == "GET /api/v1/namespaces/lab-demo/pods?labelSelector=faultline.dev%2Fscenario%3Ddemo"
    assert patched == "PATCH /api/v1/namespaces/lab-demo/pods/web-1/resize"
    assert patch[1]["value"] == "150m"


def test_a_pod_that_went_away_meanwhile_is_no_error(api) -> None:
    server = api(pod("1"))
    server.answers["PATCH /api/v1/namespaces/lab-demo/pods/web-1/resize"] = 404, {"message": "not found"}
    assert tighten(server.kube, "demo", 1)


@pytest.mark.parametrize("status", [403, 422, 500])
def test_a_limit_that_is_refused_is_said_as_such(api, status: int) -> None:
    server = api(pod("1"))
    server.answers["PATCH /api/v1/namespaces/lab-demo/pods/web-1/resize"] = status, {"message": "etcd"}
    with pytest.raises(Unreachable, match=rf"FL602.*{status}: etcd"):
        tighten(server.kube, "demo", 1)


@pytest.mark.parametrize("look", [lambda kube, name: tighten(kube, name, 1), problems])
def test_an_api_server_in_trouble_is_said_as_such(api, look) -> None:
    server = api()
    server.answers["GET /api/v1/namespaces/lab-demo/pods"] = 500, {"message": "etcd"}
    with pytest.raises(Unreachable, match=r"FL602.*500: etcd"):
        look(server.kube, "demo")


@pytest.mark.parametrize("look", [lambda kube, name: tighten(kube, name, 1), problems])
def test_an_api_server_that_does_not_answer_is_said_as_such(ports, look) -> None:
    nobody = Kube(ApiClient(Configuration(host=f"http://127.0.0.1:{ports.free(1)[0]}")), "tests")
    with pytest.raises(Unreachable, match="FL603"):
        look(nobody, "demo")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, "INFO starting\nno such table"), "INFO starting\nno such table"),
        ((200, '{"level": "error"}'), '{"level": "error"}'),
        ((400, {"message": "previous container not found"}), "(no log: previous container not found)"),
    ],
)
def test_why_a_lab_is_not_up_comes_with_the_log_of_what_ended(api, answer: Answer, told: str) -> None:
    crashed = pod("1", ready=False)
    crashed["metadata"]["namespace"] = "lab-demo"
    crashed["status"]["containerStatuses"] = [
        {
            "name": "app",
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1}},
        }
    ]
    server = api(crashed)
    server.answers["GET /api/v1/namespaces/lab-demo/pods/web-1/log"] = answer
    (found,) = problems(server.kube, "demo")
    assert found.log == told
    asked = [where for where, _ in server.asked]
    assert "GET /api/v1/namespaces/lab-demo/events?fieldSelector=type%3DWarning" in asked
    assert asked[-1].endswith("/log?container=app&tailLines=200&previous=true")
