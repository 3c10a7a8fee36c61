"""A service with pods: its objects in memory, its agents a list of orders, its ports real ones on loopback."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from faultline.api.run import FaultStatus
from faultline.clients.kube import path
from faultline.errors import Conflict, NotFound
from faultline.faults.base import Fault
from faultline.injector.agent import Agent, Look
from faultline.injector.clock import Clock
from faultline.injector.config import Config
from faultline.injector.journal import Journal
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record
from faultline.injector.targets import pod as targets

NAMESPACE, HARNESS, SERVICE = "lab-x", "harness-x", "web"
ARGS = ["python", "-m", "labkit.serve", "web.main:app"]
STRATEGY = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


class Cluster:
    """The API server's objects, and a server for each pod that should serve."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.orders: list[tuple[str, str]] = []
        self.look = Look(used=60, limit=100, held=0, throttled=0.0, quota=0.15)
        self.hang = asyncio.Event()
        self.hang.set()
        self._servers: dict[str, asyncio.Server] = {}
        template = {"spec": {"containers": [{"name": "app", "args": ARGS}]}}
        spec = {"replicas": 3, "strategy": STRATEGY, "template": template}
        meta = {"name": SERVICE, "annotations": {"a": "b"}}
        self.objects: dict[str, Any] = {path("Deployment", SERVICE, NAMESPACE): {"metadata": meta, "spec": spec}}

    async def start(self, name: str, number: int) -> None:
        """One more pod that serves."""
        address = f"127.0.0.{number + 2}"
        self._servers[name] = await asyncio.start_server(self._serve, address, self.port)
        limits = {"limits": {"cpu": "150m"}}
        self.objects[path("Pod", name, NAMESPACE)] = {
            "metadata": {"name": name, "creationTimestamp": f"2026-01-01T00:00:0{number}Z", "annotations": {"a": "b"}},
            "spec": {"containers": [{"name": "app", "resources": limits}], "nodeName": f"node-{number % 2}"},
            "status": {"phase": "Running", "podIP": address},
        }

    def close(self) -> None:
        for server in self._servers.values():
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await self.hang.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (OSError, EOFError):
            return
        finally:
            writer.close()

    @property
    def deployment(self) -> Any:
        return self.objects[path("Deployment", SERVICE, NAMESPACE)]

    @property
    def pods(self) -> dict[str, Any]:
        return {each["metadata"]["name"]: each for where, each in self.objects.items() if "/pods/" in where}

    @property
    def marks(self) -> list[str]:
        """What bears a fault's mark."""
        return [
            each["metadata"]["name"]
            for each in self.objects.values()
            if "faultline.dev/fault" in each["metadata"]["annotations"]
        ]

    def cpu(self, pod: str) -> str:
        return str(self.pods[pod]["spec"]["containers"][0]["resources"]["limits"]["cpu"])

    def get(self, where: str) -> Any:
        return copy.deepcopy(self.objects.get(where))

    def items(self, where: str, labels: str = "") -> list[Any]:
        return [copy.deepcopy(each) for key, each in self.objects.items() if key.startswith(where + "/")]

    def create(self, where: str, body: Any) -> None:
        full = f"{where}/{body['metadata']['name']}"
        if full in self.objects:
            raise Conflict("FL404", full)
        body["metadata"]["annotations"] = {}
        self.objects[full] = copy.deepcopy(body)

    def patch(self, where: str, body: Any) -> None:
        self.objects[where]["data"] |= body["data"]

    def delete(self, where: str, *, grace: int | None = None) -> bool:
        assert grace == 0 or "/pods/" not in where
        name = where.rsplit("/", 1)[1]
        if server := self._servers.pop(name, None):
            server.get_loop().call_soon_threadsafe(server.close)
        return self.objects.pop(where, None) is not None

    def operate(self, where: str, operations: list[Any]) -> None:
        """A JSON patch."""
        found = self.objects.get(where.removesuffix("/resize"))
        if found is None:
            raise NotFound("FL205", where)
        for operation in operations:
            *parents, last = [each.replace("~1", "/") for each in operation["path"].split("/")[1:]]
            place = found
            for each in parents:
                place = place[int(each)] if isinstance(place, list) else place[each]
            match operation["op"]:
                case "test":
                    assert place[last] == operation["value"]
                case "remove":
                    del place[last]
                case _:
                    place[last] = operation["value"]


class FakeAgent:
    """Notes its orders; what it would do to processes is for tests/injector/test_agent.py."""

    alive = True

    def __init__(self, cluster: Cluster, pod: str) -> None:
        self.cluster, self.pod = cluster, pod

    async def tell(self, order: str) -> str:
        self.cluster.orders.append((self.pod, order))
        return "1"

    async def look(self) -> Look:
        return self.cluster.look

    async def close(self) -> None:
        self.alive = False


class Bench:
    """A fault on the cluster, without a plan."""

    def __init__(self, cluster: Cluster, config: Config, journal: Journal) -> None:
        self.cluster = cluster
        self.pods = targets.Pods(config, connect=lambda: cluster)  # type: ignore[arg-type, return-value]
        self.journal = journal

    def target(self, name: str = "f", seed: int = 7) -> targets.PodTarget:
        now = time.time()
        planned = PlannedFault(name=name, type="none", start=now, end=now + 60, seed=seed)
        status = FaultStatus(name=name, type="none", planned_start=now, planned_end=now + 60)
        record = Record({name: status}, self.journal, Clock(), run="r")
        return targets.PodTarget(self.pods, planned, record, Clock(), asyncio.Event())

    @asynccontextmanager
    async def on(self, fault: Fault, name: str = "f") -> AsyncIterator[targets.PodTarget]:
        """Has it on, and off again afterwards, each twice, as both are idempotent."""
        target = self.target(name)
        try:
            await fault.apply(target)
            await fault.apply(target)
            yield target
        finally:
            await fault.revert(target)
            await fault.revert(target)
            await target.close()


@pytest.fixture
async def bench(config: Config, ports: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Three pods of one service, of which faults may take all."""
    (port,) = ports.free(1)
    cluster = Cluster(port)
    for number, name in enumerate(("web-a", "web-b", "web-c")):
        await cluster.start(name, number)

    async def agent(kube: Any, namespace: str, pod: str) -> FakeAgent:
        return FakeAgent(cluster, pod)

    monkeypatch.setattr(Agent, "start", agent)
    monkeypatch.setattr(targets, "SERVICE_PORT", port)
    monkeypatch.setattr(targets, "LIST_SECONDS", 0.0)
    monkeypatch.setattr(targets, "LOOK_SECONDS", 0.0)
    journal = Journal(tmp_path / "pods")
    one = Bench(
        cluster,
        config.model_copy(
            update={"lab_namespace": NAMESPACE, "harness_namespace": HARNESS, "node": "node-0", "services": SERVICE}
        ),
        journal,
    )
    yield one
    cluster.close()
    one.pods.close()
    journal.close()
