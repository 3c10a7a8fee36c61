"""Where read-replicas' solutions read: by pools that are stand-ins, and on a replica that really does not replay."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from tests import servers
from tests.scenarios.conftest import BUSY_SECONDS, SCENARIOS

SLUG = "read-replicas"
SELLER = "seller-6"
AD = {"category": "lamps", "town": "Ashby", "title": "Moving out", "price_cents": 2000}


@pytest.fixture
def solution(module):
    return module(SLUG, "solution", "board.database")


class Pool:
    """Gives its own name as the rows of each query, or raises `error`; counts what it was asked for."""

    def __init__(self, name):
        self.name, self.error, self.asked = name, None, 0

    @asynccontextmanager
    async def acquire(self, **options):
        self.asked += 1
        if self.error:
            raise self.error
        yield self

    async def fetch(self, query, *arguments, **options):
        return [self.name]


class Clock:
    """Stands in for the module `time`."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(solution, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(solution, "time", clock)
    return clock


@pytest.fixture
def primary():
    return Pool("primary")


@pytest.fixture
def replicas():
    return Pool("replica")


@pytest.fixture
def database(solution, clock, primary, replicas):
    return solution.Database(primary, replicas)


async def test_reads_go_to_a_replica(database):
    assert await database.read("SELECT 1") == ["replica"]


async def test_who_needs_the_newest_reads_from_the_primary(database, replicas):
    assert await database.read("SELECT 1", newest=True) == ["primary"]
    assert replicas.asked == 0


async def test_what_is_cheap_falls_back_on_the_primary(database, replicas):
    replicas.error = TimeoutError()
    assert await database.read("SELECT 1") == ["primary"]


async def test_what_is_costly_is_refused_without_replicas(database, primary, replicas):
    replicas.error = ConnectionResetError()
    with pytest.raises(TimeoutError):
        await database.read("SELECT 1", costly=True)
    assert primary.asked == 0


async def test_replicas_are_left_alone_after_some_failures_in_a_row(database, solution, replicas):
    replicas.error = TimeoutError()
    for _ in range(solution.FAILURES + 10):
        await database.read("SELECT 1")
    assert replicas.asked == solution.FAILURES


async def test_a_failure_now_and_then_is_no_outage(database, solution, replicas):
    for _ in range(3):
        replicas.error = TimeoutError()
        for _ in range(solution.FAILURES - 1):
            await database.read("SELECT 1")
        replicas.error = None
        assert await database.read("SELECT 1") == ["replica"]


async def test_replicas_are_asked_again_after_their_rest(database, clock, solution, replicas):
    replicas.error = TimeoutError()
    for _ in range(solution.FAILURES):
        await database.read("SELECT 1")
    replicas.error = None
    assert await database.read("SELECT 1") == ["primary"]
    clock.now += solution.REST_SECONDS
    assert await database.read("SELECT 1") == ["replica"]


@pytest.fixture(scope="module")
def ports():
    """Of a primary and its replica, with fewer ads."""
    seed = (SCENARIOS / SLUG / "seed.sql").read_text().replace("100000)", "800)")
    with servers.postgres(seed) as found:
        yield found


@asynccontextmanager
async def paused(port):
    """The replica replays nothing meanwhile."""
    admin = await asyncpg.connect(f"postgresql://postgres:{servers.ADMIN}@127.0.0.1:{port}/lab")
    try:
        await admin.execute("SELECT pg_wal_replay_pause()")
        while await admin.fetchval("SELECT pg_get_wal_replay_pause_state()") != "paused":  # noqa: ASYNC110 no Event
            await asyncio.sleep(0.02)
        yield
    finally:
        await admin.execute("SELECT pg_wal_replay_resume()")
        await admin.close()


async def looks(client, written):
    """Whether the ad by itself and the seller's list show what was written."""
    number, revision = written["id"], written["revision"]
    ad = await client.get(f"/ads/{number}")
    own = (await client.get("/own/ads")).json()["ads"]
    return (
        ad.status_code == 200 and ad.json()["revision"] >= revision,
        any(each["id"] == number and each["revision"] >= revision for each in own),
    )


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("variant", "after_adding", "after_repricing"),
    [
        ("solution", (True, True), (True, True)),
        ("solution-positions", (True, True), (True, True)),
        ("wrong/ask-again", (True, False), (False, False)),
        ("wrong/everything-to-replicas", (False, False), (False, False)),
    ],
)
async def test_what_sellers_see_while_replicas_lag(
    module, monkeypatch, patient, ports, variant, after_adding, after_repricing
):
    for name, port in zip(("POSTGRES_URL", "POSTGRES_REPLICA_URL"), ports, strict=True):
        monkeypatch.setenv(name, f"postgresql://app:app@127.0.0.1:{port}/lab")
    main, store = (module(SLUG, variant, f"board.{each}") for each in ("main", "database"))
    for where, constant in ((main, "PIN_SECONDS"), (store, "SECONDS"), (store, "REPLICA_SECONDS")):
        if hasattr(where, constant):
            monkeypatch.setattr(where, constant, int(BUSY_SECONDS))
    app = main.app
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://board.example", headers={"X-User": SELLER}) as client,
    ):
        older = (await client.get("/own/ads")).json()["ads"][0]["id"]
        async with paused(ports[1]):
            added = (await client.post("/ads", json=AD)).json()
            assert await looks(client, added) == after_adding
            repriced = (await client.put(f"/ads/{older}/price", json={"price_cents": 999})).json()
            assert await looks(client, repriced) == after_repricing
