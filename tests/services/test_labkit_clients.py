"""The helpers for Postgres and Redis, against servers that do just enough."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from fastapi import HTTPException
from prometheus_client import REGISTRY
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from labkit import postgres
from labkit.forward import Forward
from labkit.redis import create_client


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


class Redis:
    """Answers PONG to PING, drops the connection or says nothing; counts the PINGs that arrive."""

    def __init__(self, behaviour: str) -> None:
        self.pings = 0
        self._behaviour = behaviour

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            if b"PING" not in data:
                writer.write(b"-ERR unknown command\r\n" * data.count(b"*"))
                continue
            self.pings += 1
            if self._behaviour == "drop":
                break
            if self._behaviour == "answer":
                writer.write(b"+PONG\r\n")
        writer.close()


@pytest.fixture
async def redis_server():
    servers = []

    async def start(behaviour: str) -> tuple[Redis, str]:
        redis = Redis(behaviour)
        server = await asyncio.start_server(redis.serve, "127.0.0.1", 0)
        servers.append(server)
        return redis, f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_redis_shows_its_connections(redis_server):
    _, url = await redis_server("answer")
    client = create_client(url, timeout=60.0, retries=0, name="cache", protocol=2)
    assert value("app_redis_connections", client="cache") == 0
    assert await client.ping()
    assert value("app_redis_connections", client="cache") == 1
    assert value("app_redis_in_use", client="cache") == 0
    await client.aclose()


@pytest.mark.parametrize("retries", [0, 2])
async def test_redis_retries_as_often_as_told(redis_server, retries):
    redis, url = await redis_server("drop")
    client = create_client(url, timeout=60.0, retries=retries, protocol=2)
    with pytest.raises(RedisConnectionError):
        await client.ping()
    assert redis.pings == 1 + retries
    await client.aclose()


async def test_redis_waits_as_long_as_told(redis_server):
    redis, url = await redis_server("silence")
    client = create_client(url, timeout=3.0, retries=0, protocol=2)  # it has to come to the PING
    with pytest.raises(RedisTimeoutError):
        await client.ping()
    assert redis.pings == 1
    await client.aclose()


@pytest.mark.e2e
async def test_redis_is_not_asked_on_a_connection_that_it_has_closed(redis, tools):
    client = create_client(f"redis://{redis.config.redis}/0", timeout=60.0, retries=0)
    assert await client.ping()
    async with redis.redis() as admin:
        assert await admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") >= 1

        async def alone() -> bool:
            return len(await admin.client_list(_type="normal")) == 1

        await tools.until(alone)
    await asyncio.sleep(0.1)
    assert await client.ping()
    await client.aclose()


async def test_a_postgres_that_is_not_there_raises():
    with pytest.raises(OSError, match="Connect call failed"):
        await postgres.create_pool("postgresql://app:app@127.0.0.1:1/lab", wait=0, min_size=1, max_size=2)


async def test_a_postgres_that_comes_up_late_is_waited_for(monkeypatch):
    refusals = [ConnectionRefusedError(), asyncpg.CannotConnectNowError("starting up")]
    create = asyncpg.create_pool

    async def late(url, **options):
        if refusals:
            raise refusals.pop()
        return await create(url, **options)

    monkeypatch.setattr(asyncpg, "create_pool", late)
    monkeypatch.setattr(postgres, "START_RETRY_SECONDS", 0.0)
    pool = await postgres.create_pool("postgresql://app:app@127.0.0.1:1/lab", name="late", min_size=0, max_size=2)
    assert not refusals
    await pool.close()


async def test_postgres_shows_its_pool():
    pool = await postgres.create_pool("postgresql://app:app@127.0.0.1:1/lab", name="db", min_size=0, max_size=2)
    assert isinstance(pool, asyncpg.Pool)
    gauges = {name: value(f"app_pool_{name}", pool="db") for name in ("connections", "in_use", "max", "waiting")}
    assert gauges == {"connections": 0, "in_use": 0, "max": 2, "waiting": 0}
    await pool.close()


async def test_who_waits_for_a_connection_is_seen():
    """A pool whose only connection never comes about: the second caller waits for it."""
    listening, left = asyncio.Event(), asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listening.set()
        while await reader.read(4096):
            pass
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = await postgres.create_pool(f"postgresql://app:app@127.0.0.1:{port}/lab", name="w", min_size=0, max_size=1)
    callers = [asyncio.create_task(pool.fetch("select 1")) for _ in range(3)]
    await asyncio.wait_for(listening.wait(), 60)
    assert value("app_pool_waiting", pool="w") == 2
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    pool.terminate()
    await asyncio.wait_for(left.wait(), 60)
    server.close()


BEHIND = """
import asyncio
from fastapi import HTTPException, Request
from labkit import create_app
app = create_app("behind")

@app.post("/things")
async def things(request: Request, slow: float = 0):
    await asyncio.sleep(slow)
    if await request.body() == b"bad":
        raise HTTPException(409, "no")
    return {"got": (await request.body()).decode()}
"""


async def test_forward_gives_the_services_own_answer(serve):
    async with Forward(serve("behind:app", BEHIND), timeout=60) as behind:
        good, bad = await behind.send("POST", "/things", b"one"), await behind.send("POST", "/things", b"bad")
    assert (good.status_code, good.body, good.media_type) == (200, b'{"got":"one"}', "application/json")
    assert (bad.status_code, bad.body) == (409, b'{"detail":"no"}')


async def test_forward_ends_a_wait_that_is_too_long(serve):
    async with Forward(serve("behind:app", BEHIND), timeout=0.2) as behind:
        with pytest.raises(HTTPException) as late:
            await behind.send("POST", "/things?slow=60", b"one")
    assert late.value.status_code == 504


async def test_forward_says_when_nobody_answers():
    async with Forward("http://127.0.0.1:1", timeout=60) as nobody:
        with pytest.raises(HTTPException) as away:
            await nobody.send("GET", "/things")
    assert away.value.status_code == 502
