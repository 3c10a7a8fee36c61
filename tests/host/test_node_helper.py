"""The helper kills and starts nodes at their times, by its own clock, and refuses what is not the labs'."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from faultline.clients.kube import path
from faultline.clients.node_orders import NodeOrder
from faultline.errors import HostProblem, NotFound, Unreachable
from faultline.host import node_helper
from faultline.host.home import Home
from faultline.host.node_helper import Docker, Helper


class Kube:
    """Nodes, pods and orders."""

    def __init__(self) -> None:
        self.orders: dict[str, Any] = {}
        self.pods: list[Any] = []
        self.away = False

    def _there(self) -> None:
        if self.away:
            raise Unreachable("FL603", "the API server does not answer")

    def items(self, where: str, labels: str = "") -> list[Any]:
        self._there()
        return list(self.orders.values()) if "configmaps" in where else self.pods

    def get(self, where: str) -> Any:
        role = {node_helper.CONTROL_PLANE: ""} if where.endswith("control") else {}
        return {"metadata": {"name": where.rsplit("/", 1)[1], "labels": role}}

    def create(self, where: str, body: Any) -> None:
        self.orders[f"{where}/{body['metadata']['name']}"] = body

    def patch(self, where: str, body: Any) -> None:
        self._there()
        if where not in self.orders:
            raise NotFound("FL205", where)
        self.orders[where]["data"] |= body["data"]


class Engine:
    """Containers that run or not."""

    def __init__(self) -> None:
        self.up = {"control": True, "one": True, "two": True}
        self.later: list[tuple[str, float]] = []
        self.broken = False

    def nodes(self) -> list[str]:
        return sorted(self.up)

    def kill(self, node: str) -> None:
        assert self.later, "the timer comes first"
        self.up[node] = False

    def start(self, node: str) -> None:
        if self.broken:
            raise HostProblem("FL500", "no engine")
        self.up[node] = True

    def start_later(self, node: str, seconds: float) -> None:
        self.later.append((node, seconds))


class World:
    """A helper at a time that tests set."""

    def __init__(self) -> None:
        self.kube, self.engine, self.now = Kube(), Engine(), 100.0
        self.helper = self.another()

    def another(self) -> Helper:
        return Helper(self.kube, self.engine, lambda: self.now)  # type: ignore[arg-type]

    def order(self, node: str = "one", start: float = 101.0, end: float = 110.0) -> None:
        order = NodeOrder(name="node-loss-f", namespace="harness-x", node=node, start=start, end=end)
        order.place(self.kube)  # type: ignore[arg-type]

    @property
    def data(self) -> dict[str, str]:
        return dict(next(iter(self.kube.orders.values()))["data"])

    def at(self, now: float) -> None:
        self.now = now
        self.helper.look()


@pytest.fixture
def world() -> World:
    return World()


def test_kills_and_starts_at_its_times(world: World) -> None:
    world.order()
    world.at(100.0)
    assert world.data["seen"] == "100.0"
    assert world.engine.up["one"]
    world.at(101.1)
    assert not world.engine.up["one"]
    assert world.engine.later == [("one", pytest.approx(8.9 + node_helper.SLACK_SECONDS))]
    world.at(109.9)
    assert not world.engine.up["one"]
    world.at(110.0)
    assert world.engine.up["one"]
    assert (world.data["killed"], world.data["started"]) == ("101.1", "110.0")
    world.at(111.0)
    assert len(world.engine.later) == 1


def down(world: World) -> None:
    world.order()
    world.at(100.0)
    world.at(101.1)
    assert not world.engine.up["one"]


def test_comes_back_by_the_clock_when_the_cluster_does_not_answer(world: World) -> None:
    down(world)
    world.kube.away = True
    world.at(105.0)
    assert not world.engine.up["one"]
    world.at(110.0)
    assert world.engine.up["one"]


def test_comes_back_when_its_order_goes_or_ends_early(world: World) -> None:
    down(world)
    world.kube.orders.clear()
    world.at(102.0)
    assert world.engine.up["one"]
    down(world)
    next(iter(world.kube.orders.values()))["data"]["end"] = "103"
    world.at(103.0)
    assert world.engine.up["one"]


def test_another_helper_brings_back_what_the_first_took_down(world: World) -> None:
    down(world)
    world.helper = world.another()
    world.at(110.0)
    assert world.engine.up["one"]
    assert world.data["started"]


def test_is_tried_until_the_engine_starts_it(world: World) -> None:
    down(world)
    world.engine.broken = True
    world.at(110.0)
    world.engine.broken = False
    world.at(110.3)
    assert world.engine.up["one"]


@pytest.mark.parametrize(
    ("node", "end", "text"),
    [
        ("elsewhere", 110, "elsewhere is no node of this machine's cluster"),
        ("control", 110, "control is no worker"),
        ("one", 9999, "it would be gone for over 600 s"),
        ("two", 110, "two runs harness-x/loadgen-1"),
    ],
)
def test_refuses_what_is_not_the_labs(world: World, node: str, end: float, text: str) -> None:
    labels = {"faultline.dev/part": "harness"}
    metadata = {"name": "loadgen-1", "namespace": "harness-x", "labels": labels}
    world.kube.pods = [{"metadata": metadata, "spec": {"nodeName": "two"}}]
    world.order(node, end=end)
    world.at(100.0)
    world.at(101.5)
    assert world.data["refused"] == text
    assert all(world.engine.up.values())


def test_orders_have_a_place_in_the_api() -> None:
    order = NodeOrder(name="n", namespace="harness-x", node="one", start=1, end=2)
    assert order.where == path("ConfigMap", "n", "harness-x")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that notes its arguments."""
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_timer_is_a_process_of_its_own(programs: Path) -> None:
    Docker().start_later("one", 0.2)
    [timer] = node_helper._OUTLIVING
    assert timer.wait(60) == 0
    assert (programs / "calls").read_text() == "start one\n"


def test_one_helper_for_a_home(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.logs.mkdir()
    assert node_helper.running(home) is None
    (tmp_path / "node-helper.pid").write_text(str(os.getpid()))
    assert node_helper.running(home) is None, "the number may be another process'"
    assert not node_helper.stop(home)
