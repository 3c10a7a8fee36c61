"""What a product page costs Postgres in each version of `diagnosing-failures`, on the scenario's own data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import ModuleType

import asyncpg
import httpx
import pytest
from tests.conftest import until
from tests.scenarios.conftest import BUSY_SECONDS, database

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patient")]

SLUG = "diagnosing-failures"
PAGES = 10
REVIEWS = 160_000
SCANS = 3
"""Queries of a page that look for reviews."""
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = 'lab' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database(SLUG) as found:
        yield found


@pytest.fixture
async def store(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that looks on; each version's migrations are undone afterwards."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
        for index in ("reviews_of_product", "products_in_category"):
            await connection.execute(f"DROP INDEX IF EXISTS {index}")
        await connection.execute("DROP TABLE schema_migrations")
    finally:
        await connection.close()


@asynccontextmanager
async def shop(
    module: Callable[[str, str, str], ModuleType], variant: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service `products`."""
    monkeypatch.setenv("POSTGRES_URL", url)
    main = module(SLUG, variant, "products.main")
    if hasattr(main, "PATIENCE"):
        monkeypatch.setattr(main, "PATIENCE", BUSY_SECONDS)
    app = main.app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://products") as client,
    ):
        yield client


async def counted(store: asyncpg.Connection) -> tuple[int, int]:
    """Sessions begun so far, and rows and index entries read. Sessions tell what they read when they are over."""

    async def alone() -> bool:
        return not await store.fetchval(OTHERS)

    await until(alone)
    await store.execute("SELECT pg_stat_clear_snapshot()")
    row = await store.fetchrow("SELECT sessions, tup_returned FROM pg_stat_database WHERE datname = 'lab'")
    return row["sessions"], row["tup_returned"]


@pytest.mark.parametrize(
    ("variant", "reads_all", "connects_each_time"),
    [
        ("flawed", True, True),
        ("solution", False, False),
        ("wrong/pool-only", True, False),
        ("wrong/index-only", False, True),
    ],
)
async def test_pages_cost_what_the_version_leaves_in(
    module, url, store, monkeypatch, variant, reads_all, connects_each_time
):
    sessions, rows = await counted(store)
    async with shop(module, variant, url, monkeypatch) as client:
        for product in range(1, PAGES + 1):
            page = (await client.get(f"/products/{product}")).json()
            assert page["id"] == product
            assert page["reviews"] >= len(page["newest_reviews"]) == 5
            assert 1 <= page["stars"] <= 5
            assert sum(each["reviews"] for each in page["by_stars"]) == page["reviews"]
        assert len((await client.get("/products?category=light")).json()) == 20
        assert (await client.get("/products/987654")).status_code == 404
    more_sessions, more_rows = await counted(store)
    assert (more_sessions - sessions >= PAGES) == connects_each_time
    assert (more_rows - rows >= PAGES * SCANS * REVIEWS) == reads_all
