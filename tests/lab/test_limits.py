"""From the core that a container starts with to its own limit."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3
from kubernetes import client

from faultline.errors import Unreachable
from faultline.lab.limits import check, millis, tighten


class Api:
    """`CoreV1Api` with one pod; `fails` is raised by the resize."""

    def __init__(self, found: dict[str, Any], fails: Exception | None = None) -> None:
        self.found = found
        self.fails = fails
        self.asked: list[tuple[str, str, Any]] = []

    def list_namespaced_pod(self, namespace: str, **_: Any) -> Any:
        return SimpleNamespace(data=json.dumps({"items": [self.found]}))

    def patch_namespaced_pod_resize(self, name: str, namespace: str, body: Any, **_: Any) -> None:
        self.asked.append((namespace, name, body[1]["value"]))
        if self.fails:
            raise self.fails


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
    found = check(pod("1"))
    assert found is not None
    assert found.patch == [
        {"op": "test", "path": "/spec/containers/1/name", "value": "app"},
        {"op": "replace", "path": "/spec/containers/1/resources/limits/cpu", "value": "150m"},
    ]
    assert str(found) == "pod/web-1: its CPU limit is not in force yet"


def test_it_counts_when_the_node_has_it() -> None:
    waiting = check(pod("150m", in_force="1"))
    assert waiting is not None
    assert waiting.patch is None
    assert check(pod("150m", in_force="150m")) is None


def test_a_starting_pod_keeps_its_core() -> None:
    assert check(pod("1", ready=False)) is None


def test_a_pod_on_its_way_out_is_left_alone() -> None:
    leaving = pod("1")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert check(leaving) is None


def test_a_pod_without_a_wish_is_left_alone() -> None:
    assert check(pod("1", wish=None)) is None


@pytest.mark.parametrize(("text", "value"), [("150m", 150), ("1", 1000), ("1.2", 1200), ("0.15", 150), ("2000m", 2000)])
def test_quantities_as_kubernetes_writes_them(text: str, value: int) -> None:
    assert millis(text) == value


def test_the_limit_is_asked_for_in_the_lab() -> None:
    api = Api(pod("1"))
    assert tighten(api, "demo") == ["pod/web-1: its CPU limit is not in force yet"]  # type: ignore[arg-type]
    assert api.asked == [("lab-demo", "web-1", "150m")]


def test_a_pod_that_went_away_meanwhile_is_no_error() -> None:
    assert tighten(Api(pod("1"), client.ApiException(status=404)), "demo")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fails", "code"),
    [
        (client.ApiException(status=500, reason="etcd"), "FL602"),
        (urllib3.exceptions.ReadTimeoutError(None, "/", "late"), "FL603"),  # type: ignore[arg-type]
    ],
)
def test_an_api_server_in_trouble_is_said_as_such(fails: Exception, code: str) -> None:
    with pytest.raises(Unreachable) as caught:
        tighten(Api(pod("1"), fails), "demo")  # type: ignore[arg-type]
    assert caught.value.code == code
