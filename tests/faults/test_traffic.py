"""Faults made of traffic: a real injector opens their gates at a real load generator, which loads a real server."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.conftest import Loadgen, loadgen, loadgen_urls, make_plan, serve, serve_process  # noqa: F401

from faultline.faults import FAULTS
from faultline.faults.base import TrafficFault
from faultline.injector import proof
from faultline.injector.config import Config
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan

APP = """
from fastapi import HTTPException
from labkit import create_app

app = create_app("shop")

@app.get("/things/{thing}")
async def read(thing: str):
    if thing == "13":
        raise HTTPException(503)
    return {"thing": thing}

@app.post("/things")
async def write(body: dict):
    if "bad" in body:
        raise HTTPException(422)
    return body

@app.get("/search")
async def search():
    raise HTTPException(429)
"""
LOAD_PY = """
from loadgen import ArrivalUser, task

class Visitor(ArrivalUser):
    @task
    def read(self):
        thing = self.key(100 + self.random.randrange(100), hot=7)
        self.call("read", "GET", f"/things/{thing}", key=str(thing))

    @task
    def broken(self):
        self.call("broken", "GET", "/things/13", key="13")

    def abuse(self):
        self.call("search", "GET", "/search")

    def poison(self):
        self.call("write", "POST", "/things", json={"bad": 1})
"""
RATE = 40
"""Far below what two busy cores serve: what is sent late says nothing about the fault."""
AT, END = 1.5, 4.0
PARAMS: dict[str, dict[str, Any]] = {
    "surge": {"factor": 4},
    "hot_key": {"share": 0.6},
    "retry_storm": {"retries": 2},
    "abusive_client": {"rate": 40},
    "poison_message": {"count": 9},
}


@pytest.fixture
def config(config: Config, loadgen_urls: tuple[str, str]) -> Config:  # noqa: F811
    return config.model_copy(update={"loadgen": loadgen_urls[0].removeprefix("http://"), "token": "secret"})


@pytest.fixture
async def load(loadgen: Loadgen, serve: Callable[..., str], make_plan: Callable[..., dict]) -> Any:  # noqa: F811
    """`await load(type)`: a prepared load with that fault; gives the injector's plan and starts the load with it.

    The fault lasts from `at` to `end`, which are seconds after the load's mark.
    """

    async def start(kind: str, seed: int = 5, lease: float = 30, at: float = AT, end: float = END) -> Plan:
        fault: Any = FAULTS[kind].model_validate(PARAMS[kind])
        assert isinstance(fault, TrafficFault)
        mine = {"name": "f", "start": at, "end": end, "seed": seed, **fault.traffic().model_dump()}
        first, last = at - 0.5, end + 1
        windows = {"baseline": [0, first], "fault": [first, last], "recovery": [last, last + 1]}
        windows["drain"] = [last + 1, last + 21]
        body = make_plan(
            target=serve("shop:app", APP),
            load_py=LOAD_PY,
            stages=[{"at": 0, "rate": RATE}],
            windows=windows,
            fault_end=end,
            faults=[mine],
        )
        assert (await loadgen.prepare("r", body)).status_code == 201
        await loadgen.wait("r", "ready")
        mark = time.time() + 0.2
        await loadgen.client.post("/runs/r/start", json={"mark": mark})
        planned = {"name": "f", "type": kind, "start": mark + at, "end": mark + end, "seed": seed}
        planned["params"] = PARAMS[kind]
        return Plan.model_validate({"run": "r", "lease_seconds": lease, "faults": [planned]})

    return start


async def history(loadgen: Loadgen) -> list[dict[str, Any]]:  # noqa: F811
    status = await loadgen.wait("r", "done", "failed")
    assert status["state"] == "done", status["error"]
    response = await loadgen.client.get("/runs/r/history")
    return [json.loads(line) for line in gzip.decompress(response.content).splitlines()]


@pytest.mark.calm
@pytest.mark.parametrize("kind", sorted(PARAMS))
async def test_is_there_while_it_lasts_and_gone_afterwards(
    lab: Lab,
    tools: Any,
    loadgen: Loadgen,  # noqa: F811
    load: Any,
    kind: str,
) -> None:
    plan = await load(kind)
    await lab.runner.load(plan)
    await tools.until(lambda: lab.runner.statuses[0].cleared)
    [status] = await lab.runner.forget("r")
    assert status.error == ""
    assert status.planned_start <= status.applied <= status.observed < status.planned_end
    assert status.planned_end <= status.reverted <= status.cleared
    lines = await history(loadgen)
    during = [line for line in lines if plan.faults[0].start <= line["intended"] < plan.faults[0].end]
    outside = [line for line in lines if line not in during]
    clients = [line for line in during if "fault" not in line]
    own = [line for line in during if line.get("fault") == "f"]
    usual = RATE * (END - AT)
    assert {line.get("fault") for line in outside} <= {None}
    assert not [line for line in outside if line["key"] == "7"]
    assert status.depth == pytest.approx(0.6 if kind == "hot_key" else 1.0, abs=0.25)
    if kind == "surge":
        assert len(clients) == pytest.approx(4 * usual, rel=0.25)
        assert own == []
    else:
        assert len(clients) == pytest.approx(usual, rel=0.3)
    if kind == "hot_key":
        reads = [line for line in clients if line["op"] == "read"]
        assert len([line for line in reads if line["key"] == "7"]) == pytest.approx(0.6 * len(reads), rel=0.3)
    if kind == "retry_storm":
        failed = [line for line in clients if line["outcome"] != "ok"]
        tries = Counter(line["i"] for line in own)
        # A client whose answer comes as the fault ends has not had its tries yet.
        early = [line for line in failed if line["intended"] < plan.faults[0].start + (END - AT) / 2]
        assert early
        assert {tries[line["i"]] for line in early} == {2}
        assert max(tries.values()) == 2
        assert {line["key"] for line in own} == {"13"}
    if kind == "abusive_client":
        assert len(own) == pytest.approx(40 * (END - AT), rel=0.3)
        assert {line["op"] for line in own} == {"search"}
    if kind == "poison_message":
        assert len(own) == 9
        assert {line["status"] for line in own} == {422}


async def test_its_own_requests_are_counted_apart(lab: Lab, loadgen: Loadgen, load: Any) -> None:  # noqa: F811
    await lab.runner.load(await load("abusive_client"))
    lines = await history(loadgen)
    status = await loadgen.wait("r", "done")
    own = [line for line in lines if "fault" in line]
    assert status["counts"]["search"] == {"ok": 0, "failed": 0, "unknown": 0}
    assert status["faults"]["f"]["search"] == {"ok": 0, "failed": len(own), "unknown": 0}
    assert sum(sum(each.values()) for each in status["counts"].values()) == len(lines) - len(own)
    assert status["health"]["locust_requests"] == len(lines)
    page = await loadgen.metrics()
    assert f'{{fault="f",op="search",outcome="failed",phase="fault",run="r"}} {float(len(own))}' in page
    assert 'faultline_load_exact_latency_seconds{fault="f",op="search",phases="fault",quantile="0.95",run="r"}' in page
    assert 'faultline_load_recovery_seconds{op="search"' not in page


async def test_same_seed_same_requests_and_the_clients_are_the_same_without(loadgen: Loadgen, load: Any) -> None:  # noqa: F811
    async def requests(held: bool, seed: int) -> tuple[list[Any], list[Any]]:
        plan = await load("poison_message", seed, at=0.8, end=1.8)
        if held:
            await loadgen.client.post("/runs/r/faults/f", json={"until": time.time() + 9})
        lines = await history(loadgen)
        found = [
            (line["i"], line["op"], line["key"], round(line["intended"] - plan.faults[0].start, 3), "fault" in line)
            for line in sorted(lines, key=lambda line: line["intended"])
        ]
        await loadgen.client.delete("/runs/r")
        return [each for each in found if not each[-1]], [each for each in found if each[-1]]

    (first, poison), (second, same), (_, other), (third, none) = [
        await requests(held, seed) for held, seed in ((True, 5), (True, 5), (True, 6), (False, 5))
    ]
    assert first == second == third
    assert poison == same != other
    assert none == []


async def test_stop_ends_it_at_once(lab: Lab, tools: Any, loadgen: Loadgen, load: Any) -> None:  # noqa: F811
    plan = await load("abusive_client")
    await lab.runner.load(plan)
    await tools.until(lambda: lab.runner.statuses[0].observed)
    await lab.runner.stop()
    stopped = time.time()
    assert not [line for line in await history(loadgen) if "fault" in line and line["intended"] > stopped]
    health = (await loadgen.wait("r", "done"))["health"]
    assert health["dispatched"] == health["planned"]


async def test_gate_closes_by_itself_when_nobody_holds_it(loadgen: Loadgen, load: Any) -> None:  # noqa: F811
    await load("abusive_client")
    until = time.time() + 2.2
    await loadgen.client.post("/runs/r/faults/f", json={"until": until})
    own = [line["intended"] for line in await history(loadgen) if "fault" in line]
    assert own
    assert max(own) < until


async def test_killed_load_generator_is_no_gate_that_stays_open(
    lab: Lab,
    loadgen: Loadgen,  # noqa: F811
    load: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof, "CLEAR_SECONDS", 1.0)
    plan = await load("surge")
    await lab.runner.load(plan)
    await asyncio.sleep(0.5)
    await loadgen.client.delete("/runs/r")
    [status] = await lab.runner.forget("r")
    assert not lab.runner.alive
    assert status.observed is None


async def test_only_what_is_there_has_a_gate(loadgen: Loadgen, load: Any) -> None:  # noqa: F811
    await load("surge")
    client = loadgen.client
    assert (await client.get("/runs/r/faults/other")).status_code == 404
    assert (await client.post("/runs/other/faults/f", json={"until": 0})).status_code == 404
    too_long = await client.post("/runs/r/faults/f", json={"until": time.time() + 60})
    assert too_long.status_code == 422
    assert "until must be at most 10 s away" in too_long.json()["problem"]
    assert (await client.get("/runs/r/faults/f")).json()["until"] == 0


@pytest.mark.parametrize(
    ("kind", "without", "problem"),
    [
        ("abusive_client", "def abuse", "load.py must have a method `abuse` for the fault f"),
        ("poison_message", "def poison", "load.py must have a method `poison` for the fault f"),
        ("hot_key", "self.key(", "load.py must call self.key(usual, hot) for the fault f"),
    ],
)
async def test_load_py_that_does_not_say_what_a_fault_means(
    loadgen: Loadgen,  # noqa: F811
    make_plan: Callable[..., dict],  # noqa: F811
    kind: str,
    without: str,
    problem: str,
) -> None:
    fault: Any = FAULTS[kind].model_validate(PARAMS[kind])
    source = LOAD_PY.replace(without, "def other" if without.startswith("def") else "max(0, ").replace(", hot=7", "")
    mine = {"name": "f", "start": 0.5, "end": 1, "seed": 5, **fault.traffic().model_dump()}
    status = await loadgen.run("r", make_plan(load_py=source, faults=[mine]))
    assert status["state"] == "failed"
    assert problem in status["error"]
