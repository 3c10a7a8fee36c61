"""Who writes the journal in each version of `leader-election`, when a keeper stands still, on real stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from tests import servers
from tests.scenarios.conftest import SCENARIOS, database

from labkit.migrations import migrate

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patient")]

SLUG = "leader-election"
SOLUTIONS = ("solution", "solution-postgres-lease")
IN_REDIS = "keeper:lease"

Load = Callable[[str, str, str], ModuleType]


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, str]]:
    with database(SLUG) as postgres, servers.redis() as redis:
        yield {"POSTGRES_URL": postgres, "REDIS_URL": f"redis://127.0.0.1:{redis}/0"}


@pytest.fixture
async def clean(stores: dict[str, str]) -> AsyncIterator[None]:
    """Every version migrates the seed's tables for itself, and finds an empty Redis."""
    yield
    redis = Redis.from_url(stores["REDIS_URL"])
    await redis.flushall()
    await redis.aclose()
    connection = await asyncpg.connect(stores["POSTGRES_URL"])
    await connection.execute("DROP TABLE IF EXISTS leadership; DROP TABLE inbox, journal, schema_migrations")
    await connection.execute((SCENARIOS / SLUG / "seed.sql").read_text())
    await connection.close()


class Keeper:
    """One of the two, whose tasks take a step when a test says so."""

    def __init__(self, module: ModuleType, books: Any, lease: Any) -> None:
        self._module = module
        self._app = SimpleNamespace(state=SimpleNamespace(books=books, lease=lease))
        self._position: Any = None
        self.lease = lease

    async def step(self) -> None:
        """What is in `keep`, once."""
        try:
            self._position = await self._module.step(self._app, self._position)
        except asyncpg.PostgresError:
            self._position = None


class House:
    """Both keepers, the inbox and the journal."""

    def __init__(self, books: Any, store: ModuleType, pool: asyncpg.Pool, redis: Redis, keepers: list[Keeper]) -> None:
        self._books = books
        self._store = store
        self._pool = pool
        self._redis = redis
        self.a, self.b = keepers

    async def hand_in(self, *numbers: int) -> None:
        for number in numbers:
            await self._books.put(self._store.Entry(id=f"entry-{number:04d}", amount=100))

    async def lines(self) -> list[tuple[int, int]]:
        """Which entry is booked under which number, as it was written."""
        return [(line.number, int(line.entry.removeprefix("entry-"))) for line in await self._books.journal()]

    async def terms(self) -> list[int]:
        return [line.term for line in await self._books.journal()]

    async def a_leads(self) -> None:
        await self.a.lease.renew()
        await self.a.step()

    async def b_takes_over(self) -> None:
        """As when nobody has heard of the other one for longer than the lease."""
        await self._redis.pexpire(IN_REDIS, 0)
        if await self._pool.fetchval("SELECT count(*) FROM pg_attribute WHERE attname = 'expires_at'"):
            await self._pool.execute("UPDATE leadership SET expires_at = now() - interval '1 second'")
        await self.b.lease.renew()
        assert self.b.lease.leads

    async def waiting(self, count: int) -> None:
        """Until so many lines wait for the lock."""
        async with asyncio.timeout(60):
            while await self._pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < count:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def journal_locked(self) -> AsyncIterator[None]:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE journal IN EXCLUSIVE MODE")
            yield


@pytest.fixture
async def house(
    module: Load, stores: dict[str, str], clean: None, request: pytest.FixtureRequest
) -> AsyncIterator[House]:
    main, lease, store = (module(SLUG, request.param, each) for each in ("keeper.main", "keeper.lease", "books.store"))
    # Tests step by hand, with as much time between two steps as a busy machine takes.
    if hasattr(lease, "LEASE_MILLISECONDS"):
        lease.LEASE_MILLISECONDS = 60_000
    redis = Redis.from_url(stores["REDIS_URL"], decode_responses=True)
    async with asyncpg.create_pool(stores["POSTGRES_URL"], min_size=1, max_size=8, timeout=60) as pool:
        await migrate(pool, store.MIGRATIONS)
        books = store.Books(pool)
        where = books if hasattr(books, "hold") else redis
        keepers = [Keeper(main, books, lease.Lease(where, name)) for name in ("keeper-a", "keeper-b")]
        yield House(books, store, pool, redis, keepers)
    await redis.aclose()


def versions(*names: str) -> Any:
    return pytest.mark.parametrize("house", names, indirect=True)


async def stands_still_with_a_line_under_way(house: House) -> None:
    """The journal is locked, a's line waits for it, b takes over and wants to book the same entry; then it goes on."""
    await house.a_leads()
    await house.hand_in(1, 2)
    async with house.journal_locked():
        former = asyncio.create_task(house.a.step())
        await house.waiting(1)
        await house.b_takes_over()
        await house.hand_in(3)
        next_one = asyncio.create_task(house.b.step())
        await house.waiting(2)
    await asyncio.gather(former, next_one)


@versions("flawed", *SOLUTIONS, "wrong/infinite-lease", "wrong/trust-the-lease", "wrong/fence-looked-at-first")
async def test_one_leads_and_books_what_comes(house):
    await house.a_leads()
    await house.b.lease.renew()
    await house.hand_in(1, 2)
    await house.b.step()
    assert await house.lines() == []
    await house.a.step()
    await house.hand_in(3)
    await house.a.step()
    assert await house.lines() == [(1, 1), (2, 2), (3, 3)]
    assert len(set(await house.terms())) == 1


@versions("flawed", *SOLUTIONS, "wrong/trust-the-lease", "wrong/fence-looked-at-first")
async def test_next_leader_goes_on_where_the_former_one_ended(house):
    await house.a_leads()
    await house.hand_in(1)
    await house.a.step()
    await house.b_takes_over()
    await house.hand_in(2)
    await house.b.step()
    assert await house.lines() == [(1, 1), (2, 2)]
    first, second = await house.terms()
    assert first < second


@versions("flawed")
async def test_former_leader_goes_on_with_what_it_knows_by_heart(house):
    await house.a_leads()
    await house.b_takes_over()
    await house.hand_in(1)
    await house.b.step()
    await house.hand_in(2)
    await house.a.step()
    assert await house.lines() == [(1, 1), (1, 2)]
    assert await house.terms() == [2, 1]


@versions(*SOLUTIONS, "wrong/fence-looked-at-first")
async def test_former_leader_is_refused_and_leads_no_more(house):
    await house.a_leads()
    await house.b_takes_over()
    await house.hand_in(1)
    await house.b.step()
    await house.hand_in(2)
    await house.a.step()
    assert not house.a.lease.leads
    await house.b.step()
    assert await house.lines() == [(1, 1), (2, 2)]


@versions(*SOLUTIONS)
async def test_line_that_comes_too_late_is_refused(house):
    await stands_still_with_a_line_under_way(house)
    assert await house.lines() == [(1, 1), (2, 2), (3, 3)]
    assert len(set(await house.terms())) == 1


@versions("flawed", "wrong/trust-the-lease", "wrong/fence-looked-at-first")
async def test_line_that_comes_too_late_is_written_all_the_same(house):
    await stands_still_with_a_line_under_way(house)
    assert sorted(entry for _, entry in await house.lines()).count(1) == 2
    assert len(set(await house.terms())) == 2


@versions("solution")
async def test_without_the_comparison_the_fence_lets_everybody_in(house, monkeypatch):
    fenced = house._store.BOOK
    monkeypatch.setattr(house._store, "BOOK", fenced.replace("WHERE term = $1", "WHERE $1 > 0"))
    assert fenced != house._store.BOOK
    await stands_still_with_a_line_under_way(house)
    assert sorted(entry for _, entry in await house.lines()).count(1) == 2


@versions("wrong/infinite-lease")
async def test_lease_that_never_runs_out_is_never_taken_over(house):
    await house.a_leads()
    assert await house._redis.ttl(IN_REDIS) == -1
    await house.b.lease.renew()
    assert not house.b.lease.leads


@versions("flawed", "solution")
async def test_lease_runs_out_when_its_holder_is_not_heard_of(house):
    await house.a_leads()
    assert await house._redis.ttl(IN_REDIS) > 0


@versions("wrong/trust-the-lease")
async def test_lease_ends_by_its_holders_own_clock_as_well(house, monkeypatch):
    monkeypatch.setattr("keeper.lease.LEASE_MILLISECONDS", 100)
    await house.a.lease.renew()
    await asyncio.sleep(0.2)
    assert not house.a.lease.leads
