"""Pods from an API server that this test plays, and what comes out for Prometheus."""

from __future__ import annotations

import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from meter.cgroups import Usage
from meter.metrics import MeterCollector, host_cpu
from meter.pods import Pod, Pods, WatchEnded


def pod(uid: str, name: str, version: str = "1", labels: dict | None = None, annotations: dict | None = None) -> dict:
    metadata = {"uid": uid, "name": name, "namespace": "lab-x", "resourceVersion": version}
    return {"metadata": metadata | {"labels": labels or {}, "annotations": annotations or {}}}


class Api(ThreadingHTTPServer):
    """Gives what `answers` says, one after the other: status and body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, str]] = []
        self.asked: list[tuple[dict, str]] = []

    def items(self, *items: dict, version: str = "5") -> None:
        self.answers.append((200, json.dumps({"items": items, "metadata": {"resourceVersion": version}})))

    def events(self, *events: tuple[str, dict]) -> None:
        self.answers.append(
            (200, "".join(json.dumps({"type": type_, "object": each}) + "\n" for type_, each in events))
        )


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        self.server.asked.append((parse_qs(urlsplit(self.path).query), self.headers["Authorization"]))
        status, body = self.server.answers.pop(0) if self.server.answers else (500, "no more answers")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def api():
    server = Api()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def pods(api, tmp_path):
    (tmp_path / "token").write_text("first\n")
    address = api.server_address
    return Pods(lambda timeout: http.client.HTTPConnection(*address, timeout=timeout), "node-1", tmp_path / "token")


def test_a_list_gives_names_and_labels(api, pods):
    labels = {"faultline.dev/scenario": "demo", "faultline.dev/part": "app", "app": "web"}
    api.items(pod("u1", "web-1", labels=labels), pod("u2", "other"))
    assert pods.list() == "5"
    assert pods.get("u1") == Pod("lab-x", "web-1", "demo", "app")
    assert pods.get("u2") == Pod("lab-x", "other", "", "platform")
    assert pods.get("u3") is None
    assert api.asked == [({"fieldSelector": ["spec.nodeName=node-1"]}, "Bearer first")]


def test_a_static_pod_is_known_by_its_hash_too(api, pods):
    api.items(pod("u1", "etcd", annotations={"kubernetes.io/config.hash": "abc"}))
    pods.list()
    assert pods.get("abc") == pods.get("u1") != None  # noqa: E711 (both and not None, in one line)


def test_a_watch_applies_changes_and_says_where_to_go_on(api, pods):
    api.items(pod("u1", "one"))
    api.events(
        ("ADDED", pod("u2", "two", "6")),
        ("DELETED", pod("u1", "one", "7")),
        ("BOOKMARK", {"metadata": {"resourceVersion": "9"}}),
    )
    assert pods.watch(pods.list()) == "9"
    assert (pods.get("u1"), pods.get("u2").name) == (None, "two")
    assert api.asked[1][0]["resourceVersion"] == ["5"]


@pytest.mark.parametrize(
    "answer", [(410, "gone"), (200, json.dumps({"type": "ERROR", "object": {"message": "too old"}}) + "\n")]
)
def test_a_watch_that_is_too_old_asks_for_a_list(api, pods, answer):
    api.answers.append(answer)
    with pytest.raises(WatchEnded):
        pods.watch("1")


def test_a_new_token_is_used(api, pods, tmp_path):
    for _ in range(2):
        api.items()
    pods.list()
    (tmp_path / "token").write_text("second")
    pods.list()
    assert [token for _, token in api.asked] == ["Bearer first", "Bearer second"]


def test_it_keeps_what_it_knows_while_the_api_server_is_away(api, pods):
    api.items(pod("u1", "one"))
    pods.start()
    deadline = time.monotonic() + 60
    while pods.failures == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)  # between two polls
    assert pods.get("u1").name == "one"
    api.items(pod("u2", "two"))
    while pods.get("u2") is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)  # between two polls


def test_the_host_with_steal():
    text = "cpu  100 20 30 4000 50 6 7 800 90 9\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n"
    found = {sample.labels["mode"]: sample.value for sample in host_cpu(text).samples}
    ticks = {"user": 100, "nice": 20, "system": 30, "idle": 4000, "iowait": 50, "irq": 6, "softirq": 7, "steal": 800}
    assert found == {mode: pytest.approx(value / 100) for mode, value in ticks.items()}


def test_metrics_of_known_pods(api, pods, tmp_path):
    class Reader:
        def read(self) -> dict[str, Usage]:
            return {"u1": Usage(1.5, 4096, 0.25), "unknown": Usage(9.0, 9, 9.0)}

    (tmp_path / "stat").write_text("cpu  1 2 3 4 5 6 7 8\n")
    api.items(pod("u1", "web-1", labels={"faultline.dev/scenario": "demo", "faultline.dev/part": "app"}))
    pods.list()
    registry = CollectorRegistry()
    registry.register(MeterCollector(Reader(), pods, tmp_path / "stat"))
    text = generate_latest(registry).decode()
    labels = '{namespace="lab-x",part="app",pod="web-1",scenario="demo"}'
    assert f"faultline_pod_cpu_seconds_total{labels} 1.5" in text
    assert f"faultline_pod_memory_bytes{labels} 4096.0" in text
    assert f"faultline_pod_cpu_throttled_seconds_total{labels} 0.25" in text
    assert text.count("faultline_pod_cpu_seconds_total{") == 1
    assert 'faultline_node_cpu_seconds_total{mode="steal"} 0.08' in text
