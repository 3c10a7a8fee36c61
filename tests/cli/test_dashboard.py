"""The progress on both sides, and a port that outlives the pod behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from faultline.cli import _progress
from faultline.cli._forward import Forward
from faultline.clients.kube_stream import KubeStream
from faultline.errors import Conflict, InvalidInput
from faultline.host.home import Home
from faultline.progress import Attempt, Progress, Store, from_cluster

WHERE = "/api/v1/namespaces/faultline-system/configmaps/progress"
DONE = Attempt(run="shop-1", variant="learner", score=90, verdict="pass", ended=20.0)


class Cluster:
    """One ConfigMap with versions, as the API server keeps it."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.version = 1
        self.found: dict[str, Any] | None = None
        self.writes = 0
        self.others: list[Progress] = []
        if progress is not None:
            self.found = self._stamped(
                {"metadata": {"name": "progress"}, "data": {"progress.json": progress.model_dump_json()}}
            )

    def _stamped(self, body: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        return {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}

    def get(self, where: str) -> dict[str, Any] | None:
        assert where == WHERE
        return self.found

    def create(self, where: str, body: dict[str, Any]) -> dict[str, Any]:
        self.found = self._stamped(body)
        return self.found

    def replace(self, where: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.others:  # somebody else is a moment faster
            self.found = self._stamped({**body, "data": {"progress.json": self.others.pop().model_dump_json()}})
        if body["metadata"]["resourceVersion"] != self.found["metadata"]["resourceVersion"]:  # type: ignore[index]
            raise Conflict("FL404", "it changed")
        self.writes += 1
        self.found = self._stamped(body)
        return self.found


@pytest.fixture
def store(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("FAULTLINE_HOME", str(tmp_path))
    return Store(Home.from_environment().root)


def sync(cluster: Cluster) -> Progress:
    return _progress.sync(cluster)  # type: ignore[arg-type]


def there(cluster: Cluster) -> Progress:
    return from_cluster(cluster.found or {})


def test_both_sides_learn_what_the_other_knows(store: Store) -> None:
    store.next_hint("shop", 3, 5.0)
    theirs = Progress()
    theirs.attempt("shop", DONE)
    cluster = Cluster(theirs)
    sync(cluster)
    for side in (store.read(), there(cluster)):
        assert (side.of("shop").hints, side.of("shop").best) == ({1: 5.0}, 90)


def test_nothing_is_written_when_nothing_is_new(store: Store) -> None:
    store.started("shop", 1.0)
    cluster = Cluster(Progress())
    sync(cluster)
    before = os.stat(store.path).st_mtime_ns
    sync(cluster)
    assert (cluster.writes, os.stat(store.path).st_mtime_ns) == (1, before)


def test_a_new_cluster_gets_what_the_host_kept(store: Store) -> None:
    store.attempt("shop", DONE)
    cluster = Cluster()
    sync(cluster)
    assert there(cluster).of("shop").best == 90


def test_who_writes_at_the_same_time_is_not_lost(store: Store) -> None:
    store.started("shop", 1.0)
    faster = Progress()
    faster.attempt("shop", DONE)
    cluster = Cluster(Progress())
    cluster.others = [faster]
    sync(cluster)
    assert (there(cluster).of("shop").started, there(cluster).of("shop").best) == (1.0, 90)
    assert store.read().of("shop").best == 90


def test_a_damaged_copy_is_named(store: Store) -> None:
    cluster = Cluster()
    cluster.found = {"metadata": {"name": "progress"}, "data": {"progress.json": "{"}}
    with pytest.raises(InvalidInput, match="the ConfigMap progress is damaged"):
        sync(cluster)


class Pods:
    """An API server with pods that answer HTTP behind port-forwards."""

    def __init__(self) -> None:
        self.ready = ["one"]
        self.dialled: list[str] = []
        self.open: set[web.WebSocketResponse] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/api/v1/namespaces/sys/pods", self._list),
                web.get("/api/v1/namespaces/sys/pods/{pod}/portforward", self._forward),
            ]
        )
        return app

    async def _list(self, request: web.Request) -> web.Response:
        assert request.query["labelSelector"] == "app=dashboard"
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        return web.json_response({"items": [{"metadata": {"name": each}, "status": ready} for each in self.ready]})

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        pod = request.match_info["pod"]
        if pod not in self.ready:
            return web.json_response({"message": "gone"}, status=404)
        self.dialled.append(pod)
        channel = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await channel.prepare(request)
        self.open.add(channel)
        port = int(request.query["ports"]).to_bytes(2, "little")
        for number in (0, 1):
            await channel.send_bytes(bytes([number]) + port)
        async for message in channel:
            assert message.data[0] == 0
            if b"\r\n\r\n" in message.data:
                body = pod.encode() * 50_000
                await channel.send_bytes(b"\0HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
                for place in range(0, len(body), 30_000):
                    await channel.send_bytes(b"\0" + body[place : place + 30_000])
        self.open.discard(channel)
        return channel

    async def lose(self) -> None:
        """The pod dies: its connections break."""
        self.ready = []
        for channel in list(self.open):
            await channel.close()


@pytest.fixture
async def pods() -> AsyncIterator[tuple[Pods, str, list[str]]]:
    """The pods, the address that leads to them, and what was said."""
    made, said = Pods(), list[str]()
    async with TestServer(made.app()) as server, KubeStream(str(server.make_url(""))) as kube:
        listening = await Forward(kube, "sys", "dashboard", 8080, said.append).listen(0)
        async with listening:
            yield made, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", said


async def test_a_port_leads_to_whichever_pod_is_ready(
    pods: tuple[Pods, str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, url, _ = pods
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as reply:
            assert await reply.text() == "one" * 50_000
        monkeypatch.setattr("faultline.cli._forward.DIAL_SECONDS", 60)
        await made.lose()
        asyncio.get_running_loop().call_later(0.7, lambda: made.ready.append("two"))
        async with client.get(url) as reply:
            assert await reply.text() == "two" * 50_000, "it waits for the next pod"
    assert made.dialled == ["one", "two"]


async def test_while_there_is_no_pod_the_page_says_so(
    pods: tuple[Pods, str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, url, said = pods
    monkeypatch.setattr("faultline.cli._forward.DIAL_SECONDS", 0.1)
    made.ready = []
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as reply:
            assert (reply.status, "no pod of dashboard is ready" in await reply.text()) == (503, True)
        made.ready = ["one"]
        monkeypatch.setattr("faultline.cli._forward.DIAL_SECONDS", 60)
        async with client.get(url) as reply:
            assert reply.status == 200
    assert [each.split(":")[0] for each in said] == ["no way to the dashboard", "connected again"]


async def test_a_taken_port_is_named(pods: tuple[Pods, str, list[str]]) -> None:
    _, url, _ = pods
    async with KubeStream("http://127.0.0.1:1") as kube:
        with pytest.raises(Conflict, match=r"port \d+ of this machine is taken"):
            await Forward(kube, "sys", "dashboard", 8080).listen(int(url.rsplit(":", 1)[1]))
