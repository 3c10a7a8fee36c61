"""The dashboard over real HTTP: an API server with watches, in memory, and a Prometheus that counts queries."""

from __future__ import annotations

import asyncio
import copy
import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import yaml
from aiohttp import web
from fastapi import FastAPI
from tests.conftest import BUSY_SECONDS, free_ports, until
from tests.report.conftest import make

from faultline import catalogue, documents
from faultline.clients.kube_objects import path
from faultline.clients.kube_stream import KubeStream
from faultline.clients.prometheus import Prometheus
from faultline.dashboard.app import build
from faultline.dashboard.settings import Settings
from faultline.host.home import REPO
from faultline.names import LABEL_SCENARIO, SYSTEM_NAMESPACE
from faultline.report import RunRecord, events

Json = dict[str, Any]
SHOP = "circuit-breakers"
APPS = ("gateway", "catalogue", "checkout", "payments", "postgres", "postgres-replica", "redis")


class Cluster:
    """An API server with objects in memory. Writes reach those who watch, and `calls` has every request."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []
        self.version = 1
        self.events: list[tuple[int, str, str, Json]] = []
        self._news = asyncio.Event()

    def put(self, where: str, body: Json, event: str = "MODIFIED") -> Json:
        self.version += 1
        made = copy.deepcopy(body)
        made["metadata"]["resourceVersion"] = str(self.version)
        self.objects[where] = made
        self._tell(event, where, made)
        return made

    def remove(self, where: str) -> bool:
        gone = self.objects.pop(where, None)
        if gone:
            self.version += 1
            self._tell("DELETED", where, gone)
        return gone is not None

    def _tell(self, event: str, where: str, body: Json) -> None:
        self.events.append((self.version, event, where, copy.deepcopy(body)))
        self._news.set()
        self._news = asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        where = request.path
        self.calls.append((request.method, where))
        if request.query.get("watch"):
            return await self._watch(request, where)
        match request.method:
            case "GET" if where in self.objects:
                return web.json_response(self.objects[where])
            case "GET" if where.rsplit("/", 1)[1] in ("scenarios", "runs", "pods", "configmaps"):
                items = [each for key, each in self.objects.items() if self._in(key, where, request)]
                return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": items})
            case "POST":
                body = await request.json()
                full = f"{where}/{body['metadata']['name']}"
                if full in self.objects:
                    return web.json_response({"message": "it is there"}, status=409)
                body["metadata"].setdefault("creationTimestamp", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
                return web.json_response(self.put(full, body, "ADDED"), status=201)
            case "PUT" if where in self.objects:
                body = await request.json()
                if body["metadata"].get("resourceVersion") != self.objects[where]["metadata"]["resourceVersion"]:
                    return web.json_response({"message": "it changed"}, status=409)
                return web.json_response(self.put(where, body))
            case "PATCH" if where in self.objects:
                return web.json_response(self.put(where, _merge(self.objects[where], await request.json())))
            case "DELETE" if self.remove(where):
                return web.json_response({"status": "Success"})
        return web.json_response({"message": f"{where} not found"}, status=404)

    def _in(self, key: str, where: str, request: web.Request) -> bool:
        folder, kind = key.rsplit("/", 2)[:2]
        if folder + "/" + kind != where and not (where == "/api/v1/pods" and kind == "pods"):
            return False
        label = request.query.get("labelSelector")
        return not label or label in (self.objects[key]["metadata"].get("labels") or {})

    async def _watch(self, request: web.Request, where: str) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        label, sent = request.query.get("labelSelector"), int(request.query["resourceVersion"])
        while True:
            news = self._news
            for version, event, key, body in list(self.events):
                inside = key.rsplit("/", 1)[0] == where or (where == "/api/v1/pods" and "/pods/" in key)
                if version <= sent or not inside or (label and label not in (body["metadata"].get("labels") or {})):
                    continue
                await reply.write(json.dumps({"type": event, "object": body}).encode() + b"\n")
            sent = self.version
            await news.wait()


def _merge(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    merged = {**old, **{key: _merge(old.get(key), value) for key, value in new.items()}}
    return {key: value for key, value in merged.items() if value is not None}


class Series:
    """Answers range queries as Prometheus does, with the numbers of a lab under load, and counts them."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.spans: list[float] = []
        """Of the range queries, in seconds."""
        self.broken = False
        self.fault = (-1e12, -1e12)
        """From when to when `checkout->payments` is cut off."""
        self.loaded = True
        self.holds = False
        """Whether conditions of hints have a result."""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/v1/query_range", self._range)
        app.router.add_post("/api/v1/query", self._instant)
        return app

    async def _instant(self, request: web.Request) -> web.Response:
        self.queries.append(str((await request.post())["query"]))
        if self.broken:
            return web.json_response({"status": "error", "error": "it is broken"}, status=503)
        result = [{"metric": {}, "value": [0, "1"]}] if self.holds else []
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})

    async def _range(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.queries.append(str(form["query"]))
        if self.broken:
            return web.json_response({"status": "error", "error": "it is broken"}, status=503)
        if form["query"] in events.queries(SHOP).values():
            result = [{"metric": {"pod": "gateway-0"}, "values": [[float(str(form["start"])), "1"]]}]
            found = result if form["query"] == events.queries(SHOP)["up"] else []
            return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": found}})
        self.spans.append(float(str(form["end"])) - float(str(form["start"])))
        times = range(int(float(str(form["start"]))), int(float(str(form["end"]))) + 1)
        found = [
            {"metric": labels, "values": [[at, str(value(at))] for at in times if not math.isnan(value(at))]}
            for labels, value in self._made_up()
        ]
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": found}})

    def _hurt(self, at: float) -> float:
        start, end = self.fault
        return 0.0 if at < start + 1 else min(1.0, (at - start) / 5) if at < end + 5 else 0.0

    def _made_up(self) -> Iterator[tuple[Json, Any]]:
        def noise(at: float, seed: float) -> float:
            return (math.sin(at * 1.7 + seed) + math.sin(at * 0.63 + 2 * seed)) / 2

        def line(panel: str, trace: int = 0, **labels: str) -> Json:
            return {"panel": panel, "trace": str(trace), **labels}

        hurt = self._hurt
        if self.loaded:
            yield line("load", 0), lambda at: 60 + 4 * noise(at, 1)
            yield line("load", 1), lambda at: (60 + 4 * noise(at, 1)) * (1 - 0.6 * hurt(at))
            yield line("load", 2), lambda at: 60 * 0.2 * hurt(at)
            yield line("load", 3), lambda at: 60 * 0.4 * hurt(at)
            for place, op in enumerate(("browse", "product", "checkout")):
                yield line("errors", op=op), lambda at, k=place: min(1, hurt(at) * (0.3 + 0.3 * k))
            for place, level in enumerate((0.02, 0.09, 0.2)):
                yield (
                    line("latency", place),
                    lambda at, k=level: k * (1 + 0.2 * noise(at, k)) + hurt(at) * min(2.4, 12 * k),
                )
        for place, app in enumerate(APPS[:4]):
            share = (1.0, 0.1, 0.6, 0.2)[place]
            yield (
                line("in_flight", service=app),
                lambda at, k=place, s=share: max(0, 3 + noise(at, k) + 60 * s * hurt(at)),
            )
        for place, app in enumerate(("catalogue", "checkout")):
            yield (
                line("pools", service=app, pool="postgres"),
                lambda at, k=place: min(1, 0.2 + 0.05 * noise(at, k) + k * hurt(at)),
            )
        yield line("postgres", state="active"), lambda at: 3 + noise(at, 3)
        yield line("postgres", state="idle"), lambda at: 12 - noise(at, 3)
        yield line("lag", pod="postgres-replica-0"), lambda at: 0.02 + 0.01 * noise(at, 5)
        yield line("cache"), lambda at: 0.93 + 0.03 * noise(at, 6)
        yield line("dependencies", dependency="payments"), lambda at: 12 + noise(at, 7) + 60 * hurt(at)
        for place, edge in enumerate(EDGES):
            yield line("edges", edge=edge), lambda at, k=place: max(0, 0.6 + 0.4 * noise(at, k))
            yield line("edge_up", edge=edge), lambda at: 1
        yield (
            line("fault_active", edge="checkout->payments", fault="payments-cut-off"),
            lambda at: 1.0 if self.fault[0] <= at < self.fault[1] else math.nan,
        )
        for place, app in enumerate(APPS):
            yield line("cpu", service=app), lambda at, k=place: (0.02 + 0.03 * k) * (1 + 0.2 * noise(at, k))
            yield line("memory", service=app), lambda at, k=place: 40 + 12 * k + noise(at, k)


EDGES = (
    "client->gateway",
    "gateway->catalogue",
    "gateway->checkout",
    "catalogue->postgres-replica",
    "catalogue->redis",
    "checkout->postgres",
    "checkout->payments",
    "primary->replica",
)


def lesson(slug: str, **files: str) -> Json:
    """A lesson's ConfigMap."""
    return {
        "metadata": {"name": f"lesson-{slug}", "namespace": SYSTEM_NAMESPACE, "labels": {catalogue.LABEL_LESSON: slug}},
        "data": files,
    }


def small(slug: str, title: str, tier: str, concepts: list[str], order: int = 1) -> Json:
    """The lesson of a scenario that is like the shop but for its head."""
    manifest = documents.read((REPO / "scenarios" / SHOP / "scenario.yaml").read_text())
    manifest["metadata"]["name"] = slug
    manifest["spec"] |= {"slug": slug, "title": title, "tier": tier, "concepts": concepts, "order": order}
    return lesson(slug, **{"scenario.yaml": yaml.safe_dump(manifest), "SCENARIO.md": f"# {title}\n\nText.\n"})


def deployed(name: str = SHOP, variant: str = "flawed", phase: str = "Ready") -> Json:
    """A Scenario object whose lab is up."""
    manifest: Json = documents.read((REPO / "scenarios" / SHOP / "scenario.yaml").read_text())
    manifest["metadata"] |= {"name": name, "generation": 1}
    manifest["status"] = {
        "phase": phase,
        "observedGeneration": 1,
        "code": {"digest": "4be1c0ffee12", "variant": variant},
        "conditions": [{"type": "Ready", "status": "True" if phase == "Ready" else "False", "reason": phase}],
    }
    return manifest


def pod(app: str, name: str = SHOP, ready: bool = True) -> Json:
    """A pod of a lab."""
    return {
        "metadata": {
            "name": f"{app}-0",
            "namespace": f"lab-{name}",
            "labels": {LABEL_SCENARIO: name, "app": app, "faultline.dev/part": "app"},
        },
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"restartCount": 0, "state": {"running": {}}}],
        },
    }


def run_object(record: RunRecord, created: str = "2026-11-21T10:00:00Z") -> Json:
    """A Run as the API server would hand it out."""
    return {
        "apiVersion": "faultline.dev/v1alpha1",
        "kind": "Run",
        "metadata": {"name": record.name, "creationTimestamp": created},
        "spec": record.spec.model_dump(mode="json"),
        "status": record.status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


class World:
    """A dashboard with its surroundings, served on a port of this machine from a thread of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.cluster = Cluster()
        self.series = Series()
        self.app: FastAPI
        self.url = ""
        self.stop = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop

    def fill(self) -> None:
        """A catalogue with a lab, as most tests want it."""
        put = self.cluster.put
        put(f"{catalogue.CONFIGMAPS}/progress", {"metadata": {"name": "progress", "namespace": SYSTEM_NAMESPACE}})
        put(f"{catalogue.CONFIGMAPS}/lesson-{SHOP}", catalogue.lesson(REPO / "scenarios" / SHOP))
        put(path("Scenario", SHOP), deployed())
        for app in APPS:
            put(path("Pod", f"{app}-0", f"lab-{SHOP}"), pod(app))

    def keep_run(self, record: RunRecord, in_cluster: bool = True) -> None:
        """A run on disk, as the operator leaves it, and in the cluster."""
        folder = self.data / "runs" / record.name
        folder.mkdir(parents=True)
        body = run_object(record)
        (folder / "run.json").write_text(json.dumps(body))
        if record.series:
            (folder / "series.json").write_text(record.series.model_dump_json())
        if in_cluster:
            self.call(lambda: self.cluster.put(path("Run", record.name), body, "ADDED"))

    def call(self, what: Any) -> Any:
        """Do something in the servers' thread."""

        async def there() -> Any:
            return what()

        return asyncio.run_coroutine_threadsafe(there(), self.loop).result(BUSY_SECONDS)

    async def serve(self, started: threading.Event) -> None:
        """Until `stop` is set."""
        self.loop = asyncio.get_running_loop()
        ports = free_ports(3)
        runners = []
        for app, port in ((self.cluster.app(), ports[0]), (self.series.app(), ports[1])):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            runners.append(runner)
        kube, prometheus = (
            KubeStream(f"http://127.0.0.1:{ports[0]}"),
            Prometheus(f"http://127.0.0.1:{ports[1]}", timeout=BUSY_SECONDS),
        )
        self.app = build(Settings(data=self.data), kube, prometheus)
        config = uvicorn.Config(self.app, port=ports[2], log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        server.capture_signals = _no_signals  # type: ignore[method-assign]
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started and self.app.state.parts.mirror.complete)
        self.url = f"http://localhost:{ports[2]}"
        started.set()
        await self.stop.wait()
        server.should_exit = True
        await serving
        for runner in runners:
            await runner.cleanup()


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A dashboard that is up, over a cluster with the shop in it."""
    one, started = World(tmp_path), threading.Event()
    one.fill()
    thread = threading.Thread(target=lambda: asyncio.run(one.serve(started)))
    thread.start()
    assert started.wait(2 * BUSY_SECONDS), "the dashboard did not come up"
    yield one
    one.call(one.stop.set)
    thread.join(BUSY_SECONDS)
    assert not thread.is_alive()


@pytest.fixture
def runs() -> Any:
    """`make` of the report's tests: made-up runs."""
    return make
