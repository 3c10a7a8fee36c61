"""Stand-ins at the operator's two borders: the Kubernetes API in memory, injector and load generator over real HTTP."""

from __future__ import annotations

import base64
import copy
import gzip
import itertools
import json
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from faultline import documents
from faultline.catalogue import CONFIGMAPS, CodeVersion
from faultline.clients.kube import path
from faultline.errors import Conflict, NotFound

IMAGES = {
    name: f"faultline/{name}:1"
    for name in (
        "runtime",
        "injector",
        "loadgen",
        "netguard",
        "postgres",
        "redis",
        "pgbouncer",
        "rabbitmq",
        "exporters",
    )
}


def scenario(name: str = "shop", **spec: Any) -> dict[str, Any]:
    """A Scenario object as the API server would hand it out."""
    base = documents.read("""
      slug: shop
      title: A shop
      tier: crawling
      app:
        entry: web
        services: [{name: web, module: "main:app", dependencies: [redis]}]
        redis: {}
      load: {stages: [{rate: 20}], deadline: 1s}
      phases: {baseline: 300ms, fault: 400ms, recovery: 300ms, drain: 200ms}
      faults: [{name: cut, at: 100ms, for: 200ms, edge: web->redis, partition: {}}]
      objectives: [{name: up, weight: 1, target: 0.99, worst: 0.5, reason: r, availability: {}}]
    """)
    return {
        "apiVersion": "faultline.dev/v1alpha1",
        "kind": "Scenario",
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1},
        "spec": {**base, **spec},
    }


def run(name: str, of: str = "shop", created: str = "2026-01-01T00:00:00Z", **status: Any) -> dict[str, Any]:
    """A Run object."""
    return {
        "apiVersion": "faultline.dev/v1alpha1",
        "kind": "Run",
        "metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": created, "generation": 1},
        "spec": {"scenario": of, "seed": 1},
        **({"status": status} if status else {}),
    }


class FakeApi:
    """`Api` with objects in a dictionary. `log` has what was written, `told` the events."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[str, str, Any]] = []
        self.told: list[tuple[str, str, str]] = []
        self.problems: list[Any] = []
        self.late: list[str] = []
        self._versions = itertools.count(1)

    def put(self, kind: str, body: dict[str, Any], namespace: str = "") -> dict[str, Any]:
        """An object that is there already."""
        self.objects[path(kind, body["metadata"]["name"], namespace)] = {"kind": kind, **body}
        return body

    async def get(self, where: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.objects.get(where))

    async def items(self, where: str, labels: str = "") -> list[dict[str, Any]]:
        found = [each for key, each in self.objects.items() if key.rsplit("/", 1)[0] == where]
        if labels == "faultline.dev/slug":
            found = [each for each in found if "faultline.dev/slug" in each["metadata"].get("labels", {})]
        if labels.startswith("owner=helm"):
            found = [each for each in found if each["metadata"].get("labels", {}).get("owner") == "helm"]
        return copy.deepcopy(found)

    async def create(self, where: str, body: dict[str, Any]) -> dict[str, Any]:
        full = f"{where}/{body['metadata']['name']}"
        if full in self.objects:
            raise Conflict("FL404", f"{full} is taken")
        return self._write("create", full, body)

    async def replace(self, where: str, body: dict[str, Any]) -> dict[str, Any]:
        there = self.objects[where]["metadata"].get("resourceVersion")
        if body["metadata"].get("resourceVersion") not in (None, there):
            raise Conflict("FL404", f"{where} changed")
        return self._write("replace", where, body)

    async def apply(self, where: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._write("apply", where, body)

    async def patch(self, where: str, body: dict[str, Any]) -> dict[str, Any]:
        target = where.removesuffix("/status")
        if target not in self.objects:
            raise NotFound("FL205", f"{target} is not there")
        self.log.append(("patch", where, copy.deepcopy(body)))
        self.objects[target] = _merge(self.objects[target], body)
        return self.objects[target]

    async def set_status(self, where: str, status: dict[str, Any]) -> dict[str, Any]:
        if where not in self.objects:
            raise NotFound("FL205", f"{where} is not there")
        self.log.append(("status", where, copy.deepcopy(status)))
        self.objects[where]["status"] = copy.deepcopy(status)
        return self.objects[where]

    async def delete(self, where: str) -> bool:
        self.log.append(("delete", where, None))
        return self.objects.pop(where, None) is not None

    async def allowed(self, verb: str, resource: str, namespace: str) -> bool:
        return True

    async def tighten(self, name: str, scale: float) -> list[str]:
        self.log.append(("tighten", name, scale))
        return list(self.late)

    async def lab_problems(self, scenario: str) -> list[Any]:
        return self.problems

    async def event(self, about: dict[str, Any], reason: str, message: str, kind: str = "Normal") -> None:
        self.told.append((about["metadata"]["name"], reason, message))

    def close(self) -> None:
        """Nothing to let go."""

    def _write(self, verb: str, where: str, body: dict[str, Any]) -> dict[str, Any]:
        body = copy.deepcopy(body)
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        body["metadata"].setdefault("uid", where)
        self.log.append((verb, where, copy.deepcopy(body)))
        self.objects[where] = body
        return copy.deepcopy(body)


def _merge(old: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result


class FakeHelm:
    """Installs what a lab has as Deployments in the fake API; `ready` says whether they come up."""

    def __init__(self, api: FakeApi, chart: Any) -> None:
        self.api = api
        self.chart = chart
        self.installed: list[dict[str, Any]] = []
        self.uninstalled: list[str] = []
        self.ready = True

    async def install(self, namespace: str, values: dict[str, Any]) -> None:
        self.installed.append(values)
        token = base64.b64encode(values["token"].encode()).decode()
        self.api.put("Secret", {"metadata": {"name": "harness"}, "data": {"token": token}}, namespace)
        self.api.put("Deployment", deployment("web", ready=self.ready), values["labNamespace"])
        self.api.put("Deployment", deployment("edges"), namespace)
        self.api.put("Secret", release(values["labNamespace"], namespace), namespace)

    async def uninstall(self, namespace: str) -> None:
        self.uninstalled.append(namespace)


def release(
    lab: str, harness: str, version: int = 1, replicas: int = 1, service: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Helm's record of what FakeHelm installs, and of a Service `web` where its specification is given."""
    names = {"name": "web", "namespace": lab}
    edges = {"kind": "Deployment", "metadata": {"name": "edges", "namespace": harness}, "spec": {"replicas": 1}}
    web = {
        "kind": "Deployment",
        "metadata": {**names, "labels": {"faultline.dev/part": "app"}},
        "spec": {"replicas": replicas, "template": {"metadata": {}}},
    }
    more = [{"kind": "Service", "metadata": names, "spec": service}] if service else []
    record = json.dumps({"manifest": yaml.safe_dump_all([web, edges, *more])}).encode()
    data = base64.b64encode(base64.b64encode(gzip.compress(record))).decode()
    labels = {"owner": "helm", "name": "lab", "status": "deployed", "version": str(version)}
    return {"metadata": {"name": f"sh.helm.release.v1.lab.v{version}", "labels": labels}, "data": {"release": data}}


def deployment(name: str, ready: bool = True, generation: int = 1) -> dict[str, Any]:
    """One replica, up or not."""
    count = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1} if ready else {}
    return {
        "metadata": {"name": name, "generation": generation},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": generation, **count},
    }


@pytest.fixture
def api() -> FakeApi:
    """With the catalogue's entry for the folder `shop`."""
    fake = FakeApi()
    code = CodeVersion("shop", "flawed", {"main.py": "app = 1"})
    fake.objects[f"{CONFIGMAPS}/{code.configmap}"] = code.manifest()
    fake.put(
        "ConfigMap",
        {"metadata": {"name": "catalogue-shop"}, "data": {"flawed": code.configmap, "load.py": "LOAD"}},
        "faultline-system",
    )
    return fake


@pytest.fixture
def helm(api, tmp_path) -> FakeHelm:
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart/Chart.yaml").write_text("name: lab")
    return FakeHelm(api, tmp_path / "chart")


class Harness:
    """Injector and load generator on one port; `calls` has what was asked, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.bodies: dict[str, Any] = {}
        self.run: str | None = None
        self.faults: list[dict[str, Any]] = []
        self.load = "ready"
        self.problems: list[str] = []
        self.lease = 200
        self.stopped = False
        self.silent: set[str] = set()

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{service}/{tail:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        call = f"{request.method} /{request.match_info['tail']}"
        self.calls.append(f"{request.match_info['service'].rsplit('-', 1)[0]} {call}")
        if request.can_read_body:
            self.bodies[call] = await request.json()
        return await self._do(call, request)

    async def _do(self, call: str, request: web.Request) -> web.Response:
        if call in self.silent:
            return web.json_response({"error": "broken"}, status=500)
        match call.split("/")[0] + call.split("/")[1]:
            case "PUT plan":
                self.run = self.bodies[call]["run"]
                self.faults = [
                    {k: each[k] for k in ("name", "type", "edge")}
                    | {"plannedStart": each["start"], "plannedEnd": each["end"], "heldOut": each["held_out"]}
                    for each in self.bodies[call]["faults"]
                ]
                return web.json_response({}, status=201)
            case "GET state":
                state = {"run": self.run, "stopped": self.stopped, "faults": self.faults, "edges": {}}
                return web.json_response(state)
            case "POST lease":
                return web.json_response({}, status=self.lease)
            case "DELETE plan":
                if self.run is None:
                    return web.json_response({}, status=404)
                self.run = None
                return web.json_response([{**each, "applied": 1.0, "reverted": 2.0} for each in self.faults])
            case "POST stop":
                return web.json_response({"ended": [each["name"] for each in self.faults]})
            case "POST reset":
                return web.json_response({"seconds": 0.1})
            case "GET ready":
                return web.json_response({"problems": self.problems}, status=503 if self.problems else 200)
            case "GET runs" if call.endswith("/history"):
                return web.Response(body=b"history")
            case "GET runs":
                return web.json_response({"state": self.load, "error": "no memory" if self.load == "failed" else None})
            case "POST runs":
                self.load = "done"
        return web.json_response({"status": "ok"})


@pytest.fixture
async def harness(monkeypatch):
    """A running harness, to which every Service of a lab leads."""
    fake = Harness()
    server = TestServer(fake.application())
    await server.start_server()
    monkeypatch.setenv("FAULTLINE_SERVICE_URL", f"http://127.0.0.1:{server.port}/{{service}}-{{port}}")
    yield fake
    await server.close()
