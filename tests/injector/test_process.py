"""The injector as its own process: what its API refuses, and what a SIGKILL leaves behind."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest


def a_plan(run: str = "run-1", lease: float = 5.0, **change: Any) -> dict[str, Any]:
    now = time.time()
    fault = {"name": "cut", "type": "partition", "edge": "a->b", "start": now, "end": now + 60, "params": {}} | change
    return {"run": run, "lease_seconds": lease, "faults": [fault]}


async def applied(injector: Any) -> Any:
    _, state = await injector.call("GET", "/state")
    return state["faults"] and state["faults"][0]["applied"]


async def nobody_listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.transport.abort()
    return False


async def test_killed_injector_leaves_no_toxic_and_goes_on_within_its_lease(injector: Any, tools: Any) -> None:
    port = injector.config.edges[1].loopback[1]
    assert (await injector.call("PUT", "/plan", a_plan(lease=60, end=time.time() + 600)))[0] == 201
    # The gap is counted from what is on disk, which follows what the API says.
    journal = injector.config.journal_dir / "journal.jsonl"
    await tools.until(lambda: b'"fault"' in journal.read_bytes())
    await injector.kill()
    await tools.until(lambda: nobody_listens(port))
    await injector.start(plain=True)
    assert not await tools.answers(port)
    _, [status] = await injector.call("DELETE", "/plan/run-1")
    assert status["gap"] > 0
    assert status["reverted"] > status["applied"]
    assert await tools.works(port)


async def test_killed_injector_does_not_go_on_when_the_lease_is_lost(injector: Any, tools: Any) -> None:
    port = injector.config.edges[1].loopback[1]
    await injector.call("PUT", "/plan", a_plan(lease=0.3))
    journal = injector.config.journal_dir / "journal.jsonl"
    await tools.until(lambda: b'"fault"' in journal.read_bytes())
    await injector.kill()
    await asyncio.sleep(0.3)  # the lease's length: a new one may be up before it ends
    await injector.start()
    assert await tools.works(port)
    _, state = await injector.call("GET", "/state")
    assert not state["alive"]
    assert state["faults"][0]["reverted"]
    assert (await injector.call("POST", "/lease", {"run": "run-1"}))[0] == 404


async def test_terminated_injector_ends_its_plan_for_good(injector: Any, tools: Any) -> None:
    await injector.call("PUT", "/plan", a_plan(lease=20))
    await tools.until(lambda: applied(injector))
    await injector.terminate()
    await injector.start()
    assert await tools.works(injector.config.edges[1].loopback[1])
    assert not (await injector.call("GET", "/state"))[1]["alive"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"edge": "a->c"}, "faults[0].edge must be one of this lab's edges, a->b, client->a, got 'a->c'"),
    ({"edge": ""}, "faults[0].edge must be one of this lab's edges, a->b, client->a, got ''"),
    ({"type": "gremlins"}, "faults[0].type must be one of "),
    ({"end": 5.0}, "faults[0].end must be after start"),
    ({"params": {"direction": "up"}}, "faults[0].params.direction Input should be 'both', 'requests' or 'replies'"),
    ({"type": "latency", "params": {"delai": "1s"}}, "faults[0].params.delai Extra inputs are not permitted"),
    ({"end": "soon"}, "faults[0].end Input should be a valid number"),
]


async def test_wrong_plan_is_refused_by_field_rule_and_value(injector: Any, subtests: pytest.Subtests) -> None:
    for change, message in WRONG:
        with subtests.test(**change):
            status, answer = await injector.call("PUT", "/plan", a_plan(**change))
            assert status == 422
            assert message in answer["message"]


async def test_calls_need_the_token_which_may_come_past_a_proxy_that_keeps_authorization(injector: Any) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer wrong"}) as session:
        for method, path in [("GET", "/state"), ("PUT", "/plan"), ("POST", "/stop"), ("POST", "/reset")]:
            async with session.request(method, f"http://{injector.config.listen}{path}") as answer:
                assert answer.status == 401
        for path in ("/healthz", "/metrics"):
            async with session.get(f"http://{injector.config.listen}{path}") as answer:
                assert answer.status == 200
    headers = {"X-Faultline-Token": injector.config.token}
    url = f"http://{injector.config.listen}/state"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        assert answer.status == 200


async def test_ready_names_what_is_on(injector: Any, tools: Any) -> None:
    assert await injector.call("GET", "/ready") == (200, {"problems": []})
    await injector.call("PUT", "/plan", a_plan())
    await tools.until(lambda: applied(injector))
    expected = ["edge a->b: toxics are on: cut.downstream, cut.upstream"]
    assert await injector.call("GET", "/ready") == (503, {"problems": expected})


async def test_another_runs_plan_is_a_conflict(injector: Any) -> None:
    await injector.call("PUT", "/plan", a_plan())
    assert (await injector.call("PUT", "/plan", a_plan("run-2")))[0] == 409
    assert (await injector.call("DELETE", "/plan/run-2"))[0] == 404
    assert (await injector.call("POST", "/stop"))[0] == 200
    assert (await injector.call("PUT", "/plan", a_plan("run-2")))[0] == 201
