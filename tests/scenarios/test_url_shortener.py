"""What versions of `url-shortener` do with codes, new links and clicks, on real stores and a replica that is behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from tests import servers
from tests.scenarios.conftest import BUSY_SECONDS, database

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patient")]

SLUG = "url-shortener"
SOLUTIONS = ("solution", "solution-one-statement")
SEEDED = f"{2654435761 % 2**32:08x}"
TARGET = "https://agency.example/articles/1"

Load = Callable[[str, str, str], ModuleType]


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, str]]:
    with database(SLUG) as postgres, servers.redis() as redis:
        yield {
            "POSTGRES_URL": postgres,
            # Has what was there at first and never gets anything new: a replica that is far behind.
            "POSTGRES_REPLICA_URL": postgres.removesuffix("lab") + "seed",
            "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
            "CLICKS_URL": f"http://127.0.0.1:{servers.free_port()}",
        }


@pytest.fixture
async def clean(stores: dict[str, str]) -> AsyncIterator[None]:
    """Every version migrates the seed's tables for itself, and finds an empty Redis."""
    yield
    redis = Redis.from_url(stores["REDIS_URL"])
    await redis.flushall()
    await redis.aclose()
    connection = await asyncpg.connect(stores["POSTGRES_URL"])
    await connection.execute("DROP TABLE IF EXISTS clicks, schema_migrations; DROP INDEX IF EXISTS links_code")
    await connection.execute("ALTER TABLE links DROP COLUMN IF EXISTS clicks; DELETE FROM links WHERE id > 120000")
    await connection.close()


@pytest.fixture
async def links(
    module: Load, stores: dict[str, str], clean: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    variant, *changed = request.param
    for name, value in {**stores, **dict(changed)}.items():
        monkeypatch.setenv(name, value)
    main = module(SLUG, variant, "links.main")
    if hasattr(main, "PATIENCE_SECONDS"):
        monkeypatch.setattr(main, "PATIENCE_SECONDS", BUSY_SECONDS)
    app = main.app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://links") as client,
    ):
        yield client


def versions(*names: str, **changed: str) -> Any:
    cases = [(name, *changed.items()) for name in names]
    return pytest.mark.parametrize("links", cases, indirect=True, ids=names)


async def make(links: httpx.AsyncClient, target: str = TARGET) -> str:
    answer = await links.post("/links", json={"target": target, "customer": 7})
    assert answer.status_code == 201
    return str(answer.json()["code"])


async def opened(links: httpx.AsyncClient, code: str) -> tuple[int, str | None]:
    answer = await links.get(f"/{code}")
    return answer.status_code, answer.headers.get("location")


async def clicks(links: httpx.AsyncClient, code: str) -> int:
    return int((await links.get(f"/links/{code}")).json()["clicks"])


@versions(*SOLUTIONS, "wrong/replica-only")
async def test_links_to_one_page_get_codes_of_their_own(links):
    codes = await asyncio.gather(*(make(links) for _ in range(6)))
    assert len(set(codes)) == 6


@versions("flawed")
async def test_code_that_is_looked_up_on_the_replica_is_given_twice(links):
    assert await make(links) == await make(links)


@versions(*SOLUTIONS)
async def test_new_link_works_while_the_replica_does_not_know_it(links):
    assert await opened(links, await make(links)) == (302, TARGET)


@versions("flawed", "wrong/replica-only")
async def test_replica_that_is_believed_hides_a_new_link(links):
    assert await opened(links, await make(links)) == (404, None)


@versions(*SOLUTIONS)
async def test_code_that_nobody_has_is_unknown(links):
    assert await opened(links, "nobodyhasit") == (404, None)


@versions("wrong/guess")
async def test_guess_leads_somewhere_else(links):
    status, location = await opened(links, await make(links))
    assert status == 302
    assert location != TARGET


@versions(*SOLUTIONS)
async def test_clicks_are_on_the_bill_at_once(links):
    await asyncio.gather(*(opened(links, SEEDED) for _ in range(5)))
    assert await clicks(links, SEEDED) == 5


@versions("solution")
async def test_clicks_stay_as_many_while_they_are_added_up(links, stores, module):
    adding = module(SLUG, "solution", "clicks.main").ADD_UP
    connection = await asyncpg.connect(stores["POSTGRES_URL"])
    try:
        for count in (2, 4):
            await opened(links, SEEDED)
            await opened(links, SEEDED)
            assert await clicks(links, SEEDED) == count
            await connection.execute(adding)
            assert await clicks(links, SEEDED) == count
        assert await connection.fetchval("SELECT count(*) FROM clicks") == 0
    finally:
        await connection.close()


@versions("wrong/count-in-redis")
async def test_clicks_in_redis_go_with_it(links, stores, module, monkeypatch):
    clicked = module(SLUG, "wrong/count-in-redis", "links.clicks").Clicks
    flush, gone, flushed = clicked.flush, asyncio.Event(), asyncio.Event()

    async def later(clicks: Any) -> None:
        await gone.wait()
        await flush(clicks)
        flushed.set()

    monkeypatch.setattr(clicked, "flush", later)
    await opened(links, SEEDED)
    redis = Redis.from_url(stores["REDIS_URL"])
    await redis.flushall()
    await redis.aclose()
    gone.set()
    await asyncio.wait_for(flushed.wait(), BUSY_SECONDS)
    assert await clicks(links, SEEDED) == 0


@versions(*SOLUTIONS, REDIS_URL="redis://127.0.0.1:1/0")
async def test_links_lead_on_without_redis(links):
    assert (await opened(links, SEEDED))[0] == 302


@versions("flawed", REDIS_URL="redis://127.0.0.1:1/0")
async def test_redis_is_needed_at_first(links):
    assert (await opened(links, SEEDED))[0] == 500
