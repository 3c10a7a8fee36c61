"""The load generator end to end: its own processes, real Locust, a real server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import time
from collections import Counter
from itertools import accumulate

import pytest

from loadgen.plan import Plan
from loadgen.schedule import arrivals

APP = """
import asyncio
from labkit import create_app
from fastapi import HTTPException

app = create_app("shop")
orders = {}

@app.post("/orders", status_code=201)
async def order(body: dict):
    orders[body["id"]] = orders.get(body["id"], 0) + 1
    return body

@app.get("/orders/{id}")
async def read(id: str):
    return {"times": orders[id]}

@app.get("/stall")
async def stall():
    await asyncio.sleep(60)

@app.get("/broken")
async def broken():
    raise HTTPException(503)
"""

ONE_CALL = """
from loadgen import ArrivalUser, task

class User(ArrivalUser):
    @task
    def only(self):
        {call}
"""


async def history(loadgen, run: str) -> list[dict]:
    response = await loadgen.client.get(f"/runs/{run}/history")
    assert response.headers["content-type"] == "application/gzip"
    return [json.loads(line) for line in gzip.decompress(response.content).splitlines()]


def series(text: str, name: str) -> dict[str, float]:
    found = {}
    for line in text.splitlines():
        if line.startswith(name + "{"):
            labels, value = line.rsplit(" ", 1)
            found[labels[len(name) :]] = float(value)
    return found


CORK_SECONDS = 0.15
"""What is corked leaves after 0.2 s at the latest."""


class RawServer:
    """Speaks just enough HTTP to misbehave; counts connections and requests."""

    def __init__(self, behaviour: str) -> None:
        self.url = ""
        self.connections = self.requests = self.cookies = 0
        self.methods: Counter[bytes] = Counter()
        self.slowest = 0.0
        """Seconds from an answer's beginning to its connection's end."""
        self._behaviour = behaviour

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests += head.count(b" HTTP/1.1\r\n")
                self.methods[head.partition(b" ")[0]] += 1
                self.cookies += head.lower().count(b"\r\ncookie:")
                if self._behaviour == "cut":
                    break
                began = time.monotonic()
                if self._behaviour == "close when idle":
                    # The end leaves in the packet of the answer: who has read the answer finds the connection closed.
                    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\n")
                if self._behaviour == "half":
                    writer.write(b"o")
                    break
                writer.write(b"ok")
                if self._behaviour == "close when idle":
                    writer.write_eof()
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    break
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def raw_server():
    servers = []

    async def start(behaviour: str) -> RawServer:
        raw = RawServer(behaviour)
        server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
        servers.append(server)
        raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return raw

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def outcome(loadgen, plan: dict) -> dict:
    """Run it; the counts of operation x."""
    status = await loadgen.run("r", plan)
    assert status["state"] == "done", status["error"]
    counts = status["counts"]["x"]
    # Locust keeps statistics of its own, which must agree.
    assert status["health"]["locust_requests"] == sum(counts.values())
    assert status["health"]["locust_failures"] == counts["failed"] + counts["unknown"]
    return counts


async def test_a_run_from_put_to_metrics(plain_loadgen, serve, make_plan):
    loadgen = plain_loadgen
    target = serve("shop:app", APP)
    response = await loadgen.prepare("r", make_plan(target=target, canary=target.replace("/x", "")))
    # The shop has no route /, which a canary has.
    assert response.status_code == 201
    assert (await loadgen.wait("r", "failed"))["error"] == (
        "preparing the run failed: HTTPException('the canary answered 404')"
    )
    canary = serve("canary.main:app")
    await loadgen.prepare("r", make_plan(target=target, canary=canary))
    status = await loadgen.wait("r", "ready")
    assert 0 < status["canary"]["p50"] <= status["canary"]["p95"]
    assert 1 <= status["canary"]["scale"] <= 4
    before = await loadgen.metrics()
    requests = series(before, "faultline_load_requests_total")
    assert len(requests) == 4 * 3
    assert set(requests.values()) == {0.0}
    assert '{fault="",op="buy",outcome="unknown",phase="recovery",run="r"}' in requests
    assert set(series(before, "faultline_load_offered_total").values()) == {0.0}
    assert set(series(before, "faultline_load_latency_seconds_count").values()) == {0.0}
    assert series(before, "faultline_load_complete") == {'{run="r"}': 0.0}

    mark = time.time()
    await loadgen.client.post("/runs/r/start", json={"mark": mark})
    status = await loadgen.wait("r", "done")
    planned = status["health"]["planned"]
    assert status["counts"] == {"buy": {"ok": planned, "failed": 0, "unknown": 0}}
    assert status["health"]["dispatched"] == status["health"]["locust_requests"] == planned
    assert status["health"]["locust_failures"] == 0
    lines = await history(loadgen, "r")
    plan = Plan(**make_plan())
    due = list(arrivals(plan.stages, plan.load_end, plan.seed))
    assert {line["i"]: line["intended"] for line in lines} == {
        index: pytest.approx(mark + seconds, abs=1e-4) for index, seconds in enumerate(due)
    }
    after = await loadgen.metrics()
    for phase in ("baseline", "fault", "recovery"):
        of_phase = [line for line in lines if line["phase"] == phase]
        labels = f'{{fault="",op="buy",outcome="ok",phase="{phase}",run="r"}}'
        assert series(after, "faultline_load_requests_total")[labels] == len(of_phase) > 0
        labels = f'{{fault="",op="buy",phase="{phase}",run="r"}}'
        assert series(after, "faultline_load_offered_total")[labels] == len(of_phase)
        assert series(after, "faultline_load_latency_seconds_count")[labels] == len(of_phase)
        total = series(after, "faultline_load_latency_seconds_sum")[labels]
        assert total == pytest.approx(sum(line["latency"] for line in of_phase), abs=1e-3)
    exact = series(after, "faultline_load_exact_latency_seconds")
    assert len(exact) == 6 * 2 * 3
    ordered = sorted(line["latency"] for line in lines)
    label = '{fault="",op="",phases="baseline+fault+recovery",quantile="0.5",run="r"}'
    assert exact[label] == pytest.approx(ordered[(len(ordered) + 1) // 2 - 1], abs=1e-5)
    assert set(series(after, "faultline_load_recovery_seconds")) == {'{op="",run="r"}', '{op="buy",run="r"}'}
    assert series(after, "faultline_load_complete") == {'{run="r"}': 1.0}
    assert set(series(after, "faultline_load_dispatch_late_seconds")) == {
        '{quantile="0.99",run="r"}',
        '{quantile="1",run="r"}',
    }


async def test_same_seed_same_requests(loadgen, serve, make_plan):
    target = serve("shop:app", APP)

    async def requests(run: str, seed: int) -> list[tuple]:
        await loadgen.run(run, make_plan(target=target, seed=seed))
        lines = sorted(await history(loadgen, run), key=lambda line: line["i"])
        return [(line["i"], line["op"], line["key"], line["value"], line["phase"]) for line in lines]

    first = await requests("a", 7)
    assert await requests("b", 7) == first
    assert await requests("c", 8) != first


async def test_a_stalled_server_gives_unknown_and_the_wait_shows(loadgen, serve, make_plan):
    call = 'self.call("x", "GET", "/stall")'
    plan = make_plan(target=serve("shop:app", APP), load_py=ONE_CALL.format(call=call), deadline=5)
    counts = await outcome(loadgen, plan)
    assert (counts["ok"], counts["failed"]) == (0, 0)
    assert counts["unknown"] > 100
    lines = await history(loadgen, "r")
    assert {line["error"] for line in lines} == {"no answer within the deadline"}
    assert all(line["latency"] >= 5 and line["status"] is None for line in lines)
    text = await loadgen.metrics()
    assert set(series(text, "faultline_load_latency_seconds_count").values()) == {0.0}
    assert set(series(text, "faultline_load_exact_latency_seconds").values()) == {float("inf")}
    assert series(text, "faultline_load_recovery_seconds")['{op="x",run="r"}'] == 0.5


async def test_a_stall_is_seen_by_all_that_were_due_in_it(loadgen, serve, make_plan):
    # A server that works on one request at a time, each taking 50 ms, at 120 arrivals a second.
    source = 'import time\nfrom labkit import create_app\napp = create_app("slow")\n' + (
        '@app.get("/")\nasync def slow():\n    time.sleep(0.05)\n    return {}\n'
    )
    plan = make_plan(
        target=serve("slow:app", source), load_py=ONE_CALL.format(call='self.call("x", "GET", "/")'), deadline=10
    )
    await loadgen.run("r", plan)
    lines = await history(loadgen, "r")
    intended = [line["intended"] for line in lines]
    # A closed load would show 50 ms and send 30 requests in all; here the queue grows by 5 s for each second.
    assert len(lines) > 100
    assert max(line["latency"] for line in lines) > 4.0
    assert max(intended) - min(intended) < 1.5


async def test_refused_connections_are_failed(loadgen, make_plan):
    plan = make_plan(target="http://127.0.0.1:1", load_py=ONE_CALL.format(call='self.call("x", "GET", "/")'))
    counts = await outcome(loadgen, plan)
    assert (counts["ok"], counts["unknown"]) == (0, 0)
    assert "ConnectionRefusedError" in (await history(loadgen, "r"))[0]["error"]


async def test_an_error_status_is_failed_and_answered(loadgen, serve, make_plan):
    call = 'self.call("x", "GET", "/broken")'
    counts = await outcome(loadgen, make_plan(target=serve("shop:app", APP), load_py=ONE_CALL.format(call=call)))
    assert (counts["ok"], counts["unknown"]) == (0, 0)
    assert {line["status"] for line in await history(loadgen, "r")} == {503}
    assert sum(series(await loadgen.metrics(), "faultline_load_latency_seconds_count").values()) == counts["failed"]


async def test_a_connection_cut_after_sending_is_unknown_and_not_sent_again(loadgen, raw_server, make_plan):
    server = await raw_server("cut")
    call = 'self.call("x", self.random.choice(["GET", "POST", "PUT", "DELETE"]), "/")'
    counts = await outcome(loadgen, make_plan(target=server.url, load_py=ONE_CALL.format(call=call)))
    assert (counts["ok"], counts["failed"]) == (0, 0)
    assert server.requests == counts["unknown"] > 100
    assert set(server.methods) == {b"GET", b"POST", b"PUT", b"DELETE"}
    assert min(server.methods.values()) > 10
    assert {line["error"] for line in await history(loadgen, "r")} == {"HTTPConnectionClosed('connection closed.')"}


async def test_an_answer_cut_in_the_middle_is_unknown(loadgen, raw_server, make_plan):
    server = await raw_server("half")
    counts = await outcome(
        loadgen, make_plan(target=server.url, load_py=ONE_CALL.format(call='self.call("x", "GET", "/")'))
    )
    assert (counts["ok"], counts["failed"]) == (0, 0)
    assert counts["unknown"] > 100


async def test_connections_are_used_again_and_nothing_else(loadgen, raw_server, make_plan):
    server = await raw_server("keep")
    counts = await outcome(
        loadgen, make_plan(target=server.url, load_py=ONE_CALL.format(call='self.call("x", "GET", "/")'))
    )
    assert counts["ok"] == server.requests > 100
    # No more than there were requests at once, of which a busy machine may have many.
    assert server.connections <= most_at_once(await history(loadgen, "r"))
    assert server.cookies == 0


def most_at_once(lines: list[dict]) -> int:
    """Requests that were under way together."""
    steps = sorted(
        [(line["sent"], 1) for line in lines] + [(line["end"], -1) for line in lines],
        key=lambda step: (step[0], -step[1]),
    )
    return max(accumulate(change for _, change in steps))


async def test_a_connection_that_the_server_closed_while_idle_is_not_used(loadgen, raw_server, make_plan):
    for _ in range(20):
        server = await raw_server("close when idle")
        plan = make_plan(target=server.url, load_py=ONE_CALL.format(call='self.call("x", "GET", "/")'))
        counts = await outcome(loadgen, plan)
        if server.slowest < CORK_SECONDS:
            break
    else:
        pytest.fail(f"this server took {server.slowest:.1f} s to close a connection: the answer left alone")
    assert counts == {"ok": server.requests, "failed": 0, "unknown": 0}
    assert server.connections == server.requests > 100


async def test_ok_and_result_judge_the_answer(loadgen, serve, make_plan):
    call = (
        'self.call("x", "POST", "/orders", json={"id": str(self.random.random())},'
        ' ok=lambda r: r.json()["id"] > "0.5", result=lambda r: r.json()["id"])'
    )
    counts = await outcome(loadgen, make_plan(target=serve("shop:app", APP), load_py=ONE_CALL.replace("{call}", call)))
    assert counts["ok"] > 20
    assert counts["failed"] > 20
    for line in await history(loadgen, "r"):
        assert ("result" in line) == (line["outcome"] == "ok")


async def test_the_drain_cuts_off_what_has_no_answer(loadgen, serve, make_plan):
    plan = make_plan(
        target=serve("shop:app", APP), load_py=ONE_CALL.format(call='self.call("x", "GET", "/stall")'), deadline=30
    )
    # By the end of it a busy machine has sent them all.
    plan["windows"]["drain"] = [1.5, 6.5]
    counts = await outcome(loadgen, plan)
    assert counts["unknown"] > 100
    assert {line["error"] for line in await history(loadgen, "r")} == {"cut off"}


async def test_final_reads_know_what_was_sent_and_are_no_load(loadgen, serve, make_plan):
    from_conftest = make_plan()["load_py"]
    source = from_conftest + (
        "\n    @classmethod\n    def final_reads(cls, client, history):\n"
        "        for each in history:\n"
        '            client.call("read", "GET", "/orders/" + each["key"], key=each["key"],'
        ' result=lambda r: r.json()["times"])\n'
    )
    status = await loadgen.run("r", make_plan(target=serve("shop:app", APP), load_py=source))
    assert status["counts"]["read"] == {"ok": 0, "failed": 0, "unknown": 0}
    assert status["health"]["locust_requests"] == sum(status["counts"]["buy"].values())
    lines = await history(loadgen, "r")
    reads = [line for line in lines if line["phase"] == "final_reads"]
    assert {line["key"] for line in reads} == {line["key"] for line in lines if line["op"] == "buy"}
    # Each order was sent exactly once.
    assert {line["result"] for line in reads} == {1}


FEW = [{"at": 0, "rate": 20}]
"""All can be read three times in the time that there is for it, also where each takes its time."""

READ_BACK = """
    @classmethod
    def final_reads(cls, client, history):
        client.read_back("read", history, writes=["buy"], path=lambda key: f"/orders/{key}",
                         result=lambda r: r.json()["times"], site="eu")
"""

FLAKY_APP = """
from fastapi import HTTPException
from labkit import create_app

app = create_app("shop")
orders, asked = set(), {}

@app.post("/orders", status_code=201)
async def order(body: dict):
    orders.add(body["id"])

@app.get("/orders/{id}")
async def read(id: str):
    asked[id] = asked.get(id, 0) + 1
    if asked[id] == 1:
        raise HTTPException(503)
    if id < "o-8":
        raise HTTPException(404)
    return {"times": 1}
"""


async def test_read_back_asks_for_every_key_until_it_gets_an_answer(loadgen, serve, make_plan):
    source = make_plan()["load_py"] + READ_BACK
    await loadgen.run("r", make_plan(target=serve("shop:app", FLAKY_APP), load_py=source, stages=FEW))
    lines = await history(loadgen, "r")
    bought = {line["key"] for line in lines if line["op"] == "buy"}
    reads = [line for line in lines if line["op"] == "read"]
    assert {(line["phase"], line["session"], line["site"], line["i"]) for line in reads} == {
        ("final_reads", "final_reads", "eu", -1)
    }
    assert sorted(line["key"] for line in reads if line["status"] == 503) == sorted(bought)
    answered = {line["key"]: line.get("result") for line in reads if line["outcome"] == "ok"}
    assert answered == {key: None if key < "o-8" else 1 for key in bought}


async def test_what_cannot_be_read_back_is_left_and_the_run_ends(loadgen, serve, make_plan):
    target = serve("shop:app", APP.replace('return {"times": orders[id]}', "raise HTTPException(500)"))
    status = await loadgen.run("r", make_plan(target=target, load_py=make_plan()["load_py"] + READ_BACK, stages=FEW))
    assert status["state"] == "done"
    reads = [line for line in await history(loadgen, "r") if line["op"] == "read"]
    assert {line["outcome"] for line in reads} == {"failed"}
    assert len(reads) == 3 * len({line["key"] for line in reads})


async def test_what_checks_ask_for_is_in_the_history(loadgen, serve, make_plan):
    call = (
        'self.call("x", "GET", "/healthz", key="k", session="ann", token=3, site="eu");'
        ' self.observe("delivered", key="room", value="m1", result=["m1"], session="bob")'
    )
    status = await loadgen.run("r", make_plan(target=serve("shop:app", APP), load_py=ONE_CALL.replace("{call}", call)))
    assert list(status["counts"]) == ["x"]
    lines = await history(loadgen, "r")
    called, observed = (next(line for line in lines if line["op"] == op) for op in ("x", "delivered"))
    assert (called["session"], called["token"], called["site"]) == ("ann", 3, "eu")
    assert (observed["outcome"], observed["status"], observed["result"]) == ("ok", 0, ["m1"])
    assert (observed["session"], observed["key"], observed["sent"]) == ("bob", "room", observed["end"])
    assert "token" not in observed


async def test_an_answer_that_would_flood_the_history_is_a_failed_one(loadgen, serve, make_plan):
    call = 'self.call("x", "GET", "/healthz", result=lambda r: "x" * 70000)'
    await loadgen.run("r", make_plan(target=serve("shop:app", APP), load_py=ONE_CALL.replace("{call}", call)))
    [line, *_] = await history(loadgen, "r")
    assert (line["outcome"], line["error"]) == ("failed", "result(response) must be 65536 bytes or less, got 70002")


async def test_keys_rotate_before_the_check_would_give_up(loadgen, serve, make_plan):
    call = (
        'key = self.rotating_key("r", calls=2, side_by_side=1);'
        ' self.call("x", "GET", "/healthz", key=key); self.call("x", "GET", "/stall", key=key)'
    )
    plan = make_plan(target=serve("shop:app", APP), load_py=ONE_CALL.replace("{call}", call), deadline=0.2)
    await loadgen.run("r", plan)
    lines = await history(loadgen, "r")
    keys = {line["key"] for line in lines}
    assert len(keys) > 10
    for key in keys:
        own = [line for line in lines if line["key"] == key]
        assert len(own) <= 100
        assert sum(line["outcome"] == "unknown" for line in own) <= 8


BAD = [
    ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
    ("x = 1", "must define a class derived from loadgen.ArrivalUser"),
    ("def broken(:", "SyntaxError"),
    ("from loadgen import ArrivalUser\nclass U(ArrivalUser):\n    pass", "U must have a method with @task"),
    (ONE_CALL.format(call='self.call("a" + "b", "GET", "/")'), "load.py:7: the operation is not a plain string"),
    (ONE_CALL.format(call="pass") + "\n    def on_start(self):\n        pass", "User.on_start would never run"),
    (ONE_CALL.format(call="pass") + "\n    def _read(self, key):\n        pass", "User._read must not be named like"),
    (
        "class Mixin:\n    def call(self, op):\n        pass\n"
        + ONE_CALL.format(call="pass").replace("(ArrivalUser)", "(Mixin, ArrivalUser)"),
        "Mixin.call must not be named like a method of ArrivalUser",
    ),
]


async def test_a_load_py_that_can_not_be_used(loadgen, make_plan, subtests):
    for number, (source, problem) in enumerate(BAD):
        with subtests.test(problem):
            # Nor is the run that follows held up.
            status = await loadgen.run(f"r-{number}", make_plan(load_py=source))
            assert status["state"] == "failed"
            assert problem in status["error"]
    assert (await loadgen.prepare("next", make_plan())).status_code == 201


async def test_a_task_that_raises_fails_the_run_with_its_line(loadgen, serve, make_plan):
    call = 'self.call("x", "GET", "/broken").no_such_thing()'
    status = await loadgen.run("r", make_plan(target=serve("shop:app", APP), load_py=ONE_CALL.format(call=call)))
    assert status["state"] == "failed"
    assert call in status["error"]


async def test_a_token_is_needed(loadgen, make_plan):
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        loadgen.client.headers = headers
        assert (await loadgen.prepare("r", make_plan())).status_code == 401
        assert (await loadgen.client.get("/runs/r")).status_code == 401
    assert (await loadgen.client.get("/healthz")).status_code == 200


async def test_what_is_not_possible_is_refused(loadgen, make_plan):
    client = loadgen.client
    assert (await client.get("/runs/none")).status_code == 404
    assert (await loadgen.prepare("UPPER", make_plan())).status_code == 422
    response = await loadgen.prepare("r", make_plan(deadline=-1))
    assert response.status_code == 422
    assert response.json()["problems"] == [
        {"field": "deadline", "rule": "Input should be greater than 0", "value": "-1"}
    ]
    assert (await loadgen.prepare("r", make_plan())).status_code == 201
    assert (await loadgen.prepare("other", make_plan())).json() == {"problem": "run r is under way"}
    assert (await client.get("/runs/r/history")).status_code == 409
    await loadgen.wait("r", "ready")
    assert (await client.post("/runs/r/start", json={})).status_code == 422


async def test_delete_stops_at_once(loadgen, serve, make_plan):
    target = serve("shop:app", APP)
    plan = make_plan(target=target, load_py=ONE_CALL.format(call='self.call("x", "GET", "/stall")'), deadline=30)
    await loadgen.prepare("r", plan)
    await loadgen.wait("r", "ready")
    await loadgen.client.post("/runs/r/start", json={"mark": time.time()})
    await loadgen.wait("r", "running", "draining")
    assert (await loadgen.client.delete("/runs/r")).status_code == 204
    assert (await loadgen.client.get("/runs/r")).status_code == 404
    assert (await loadgen.prepare("r", plan)).status_code == 201
