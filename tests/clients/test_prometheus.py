"""The client of Prometheus against a server that answers as Prometheus, as a proxy, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from faultline.clients.prometheus import SIDE_BY_SIDE, Prometheus, Sample
from faultline.errors import InvalidInput, Unreachable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Prometheus]]]:
    opened: list[object] = []

    async def start(handler: Handler, **options: object) -> Prometheus:
        app = web.Application()
        app.router.add_post("/proxy/api/v1/query", handler)
        app.router.add_post("/proxy/api/v1/query_range", handler)
        server = TestServer(app)
        await server.start_server()
        client = await Prometheus(f"{server.make_url('/proxy')}/", **options).__aenter__()  # type: ignore[arg-type]
        opened.extend([client, server])
        return client

    yield start
    for each in opened:
        await (each.__aexit__(None, None, None) if isinstance(each, Prometheus) else each.close())


def _success(kind: str, result: object) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": kind, "result": result}})

    return answer


async def test_an_instant_query_gives_samples(serve):
    seen = {}

    async def answer(request: web.Request) -> web.Response:
        seen.update(await request.post(), token=request.headers["Authorization"])
        return await _success("vector", [{"metric": {"op": "buy"}, "value": [12.5, "0.25"]}])(request)

    client = await serve(answer, headers={"Authorization": "Bearer x"})
    assert await client.instant("up", 12.5) == [Sample({"op": "buy"}, 12.5, 0.25)]
    assert seen == {"query": "up", "time": "12.500", "token": "Bearer x"}


async def test_a_scalar_is_a_sample_without_labels(serve):
    client = await serve(_success("scalar", [3, "+Inf"]))
    assert await client.instant("1/0", 3) == [Sample({}, 3, float("inf"))]


async def test_a_range_query_gives_series(serve):
    client = await serve(_success("matrix", [{"metric": {}, "values": [[1, "2"], [2, "NaN"]]}]))
    (series,) = await client.range("up", 1, 2)
    assert series.points[0] == (1, 2)
    assert series.points[1][1] != series.points[1][1]
    assert (await client.raw("up[2s]", 2))[0].points[0] == (1, 2)


async def test_no_data_is_an_empty_answer(serve):
    client = await serve(_success("vector", []))
    assert await client.instant("nothing", 1) == []


@pytest.mark.parametrize("method", ["instant", "raw"])
async def test_the_wrong_kind_of_answer_names_the_query(serve, method):
    kind = "matrix" if method == "instant" else "vector"
    client = await serve(_success(kind, []))
    with pytest.raises(InvalidInput, match=f"the query gives a {kind}, not .*: up"):
        await getattr(client, method)("up", 1)


async def test_a_query_that_is_refused_says_why(serve):
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"status": "error", "errorType": "bad_data", "error": "parse error"}, status=400)

    client = await serve(answer)
    with pytest.raises(InvalidInput, match="FL161: Prometheus refuses the query: parse error: sum"):
        await client.instant("sum(", 1)


@pytest.mark.parametrize(
    "body",
    [
        '{"kind": "Status", "message": "no endpoints available"}',
        "<html>bad gateway</html>",
        '{"status": "success"}',
        "[]",
    ],
)
async def test_an_answer_that_is_not_prometheus_is_unreachable(serve, body):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=body, status=503)

    client = await serve(answer)
    with pytest.raises(Unreachable, match="answered 503"):
        await client.instant("up", 1)


async def test_a_server_that_hangs_is_given_up(serve):
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    client = await serve(answer, timeout=0.2)
    with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
        await client.instant("up", 1)


async def test_nobody_there_is_unreachable():
    async with Prometheus("http://127.0.0.1:9") as client:
        with pytest.raises(Unreachable, match="cannot be reached"):
            await client.instant("up", 1)


async def test_not_more_than_prometheus_runs_at_once(serve):
    under_way, most, full = 0, 0, asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if most == SIDE_BY_SIDE:
            full.set()
        await full.wait()
        await asyncio.sleep(0.02)
        under_way -= 1
        return await _success("vector", [])(request)

    client = await serve(answer, timeout=60)
    await asyncio.gather(*(client.instant("up", 1) for _ in range(3 * SIDE_BY_SIDE)))
    assert most == SIDE_BY_SIDE
