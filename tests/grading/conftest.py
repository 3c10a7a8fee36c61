"""A fake Prometheus over real HTTP, and a run that is well in every respect; tests spoil one thing each."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from faultline.api.run import FaultStatus
from faultline.clients.prometheus import Prometheus
from faultline.grading import Evidence, LoadReport
from faultline.scenario import ScenarioSpec

MARK = 1_800_000_000.0
WINDOWS = {
    "baseline": (MARK, MARK + 12),
    "fault": (MARK + 12, MARK + 42),
    "recovery": (MARK + 42, MARK + 57),
    "drain": (MARK + 57, MARK + 61),
}
END = MARK + 63

Rows = list[tuple[dict[str, str], float]]


class FakePrometheus:
    """Answers by the first pattern found in the query; evaluates nothing, and keeps what it was asked."""

    def __init__(self) -> None:
        self.rows: dict[str, Rows] = {}
        self.raw: dict[str, list[tuple[float, float]]] = {}
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        fields = await request.post()
        query = str(fields["query"])
        self.asked.append(query)
        if request.path.endswith("query_range"):
            return self._reply("matrix", self._range(query, float(str(fields["start"])), float(str(fields["end"]))))
        for pattern, points in self.raw.items():
            if re.search(pattern, query):
                values = [[at, str(value)] for at, value in points]
                return self._reply("matrix", [{"metric": {}, "values": values}] if values else [])
        at = float(str(fields["time"]))
        for pattern, rows in self.rows.items():
            if re.search(pattern, query):
                return self._reply("vector", [{"metric": m, "value": [at, str(v)]} for m, v in rows])
        return web.json_response({"status": "error", "errorType": "bad_data", "error": "unexpected"}, status=400)

    def _range(self, query: str, start: float, end: float) -> list[dict[str, Any]]:
        for pattern, rows in self.rows.items():
            if re.search(pattern, query):
                count = int(end - start) + 1
                return [{"metric": m, "values": [[start + i, str(v)] for i in range(count)]} for m, v in rows]
        return []

    @staticmethod
    def _reply(kind: str, result: Any) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": kind, "result": result}})


def each_second(start: float = MARK, end: float = END) -> list[tuple[float, float]]:
    return [(start + i + 0.3, 1.0) for i in range(int(end - start))]


def healthy(fake: FakePrometheus) -> None:
    fake.raw = {
        r'up\{namespace="harness-lab",pod=~"loadgen-': each_second(),
        r'up\{namespace="harness-lab",pod=~"edges-': each_second(),
        r'up\{namespace="faultline-system",pod=~"meter-': each_second(),
    }
    fake.rows = {
        r"timestamp\(faultline_load_complete": [({}, END - 0.4)],
        r"faultline_load_complete": [({}, 1)],
        r"^max by \(pod\) \(resets": [],
        r'^sum\(faultline_load_requests_total\{run="run-1"\}\)$': [({}, 6000)],
        r'^sum\(faultline_load_requests_total\{run="run-1",outcome!="ok"\}\)$': [({}, 100)],
        r"^sum by \(op, outcome\)": [
            ({"op": "browse", "outcome": "ok"}, 4000),
            ({"op": "browse", "outcome": "failed"}, 10),
            ({"op": "checkout", "outcome": "ok"}, 1900),
            ({"op": "checkout", "outcome": "unknown"}, 90),
        ],
        r'max_over_time.*mode="steal"': [({}, 0.01)],
        r"max_over_time.*faultline_node_cpu": [({}, 0.12)],
        r"sum by \(namespace\)": [({"namespace": "lab-other"}, 0.015), ({"namespace": "harness-other"}, 0.005)],
        r'exact_latency_seconds.*quantile="0.95"': [({}, 0.25)],
        r"exact_latency_seconds": [({}, 0.05)],
        r"faultline_load_recovery_seconds": [({}, 2.0)],
        r"faultline_load_requests_total.* / sum": [({}, 0.995)],
        r"faultline_load_requests_total.* / 57$": [({}, 104.0)],
        r"faultline_dependency_requests_total": [({}, 1.1)],
    }


@pytest.fixture
async def fake() -> AsyncIterator[FakePrometheus]:
    found = FakePrometheus()
    healthy(found)
    app = web.Application()
    app.router.add_post("/api/v1/query", found.answer)
    app.router.add_post("/api/v1/query_range", found.answer)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/"))
        yield found


@pytest.fixture
async def prometheus(fake: FakePrometheus) -> AsyncIterator[Prometheus]:
    async with Prometheus(fake.url) as client:
        yield client


@pytest.fixture
def spec() -> ScenarioSpec:
    return ScenarioSpec.model_validate(
        {
            "slug": "tiny",
            "title": "Tiny",
            "tier": "crawling",
            "app": {
                "entry": "front",
                "services": [
                    {"name": "front", "module": "front.main:app", "dependencies": ["payments"]},
                    {"name": "payments", "module": "payments.main:app", "shared": True},
                ],
            },
            "load": {"stages": [{"rate": 100}]},
            "faults": [{"for": "10s", "edge": "front->payments", "latency": {"delay": "1s"}}],
            "objectives": [
                {
                    "name": "rest of the site stays up",
                    "weight": 60,
                    "required": True,
                    "target": 0.99,
                    "worst": 0.9,
                    "reason": "a dependency's failure is contained",
                    "availability": {"op": "browse"},
                },
                {
                    "name": "answers stay quick",
                    "weight": 40,
                    "target": 0.3,
                    "worst": 1.3,
                    "cap": 0.6,
                    "reason": "waiting is bounded",
                    "latency_quantile": {"phases": ["fault"]},
                },
            ],
        }
    )


@pytest.fixture
def load_report() -> Callable[..., LoadReport]:
    return _load_report


@pytest.fixture
def fault() -> Callable[..., FaultStatus]:
    return _fault


def _load_report(**changes: Any) -> LoadReport:
    body: dict[str, Any] = {
        "state": "done",
        "error": None,
        "canary": {"p50": 0.002, "p95": 0.004, "scale": 1.0},
        "health": {
            "late_p99": 0.004,
            "late_max": 0.03,
            "cpu": 0.3,
            "dispatched": 6000,
            "planned": 6000,
            "locust_requests": 6000,
            "locust_failures": 100,
        },
        "counts": {"browse": {"ok": 4000, "failed": 10}, "checkout": {"ok": 1900, "unknown": 90}},
    }
    return LoadReport.model_validate(body | changes)


def _fault(**changes: Any) -> FaultStatus:
    body: dict[str, Any] = {
        "name": "latency-0",
        "type": "latency",
        "edge": "front->payments",
        "planned_start": MARK + 12,
        "planned_end": MARK + 22,
        "applied": MARK + 12.004,
        "observed": MARK + 12.1,
        "reverted": MARK + 22.003,
        "cleared": MARK + 22.2,
    }
    return FaultStatus.model_validate(body | changes)


@pytest.fixture
def evidence() -> Callable[..., Evidence]:
    def make(**changes: Any) -> Evidence:
        body: dict[str, Any] = {
            "run": "run-1",
            "scenario": "lab",
            "windows": WINDOWS,
            "end": END,
            "load": _load_report(),
            "faults": [_fault()],
        }
        return Evidence.model_validate(body | changes)

    return make
