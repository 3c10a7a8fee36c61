"""What Postgres reads for the searches of `indexes`, with each version's migrations on the scenario's own data."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import httpx
import pytest
from tests.scenarios.conftest import database

from labkit.migrations import migrate

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patient")]

SLUG = "indexes"
PAGE = 20
SEARCHES = (
    ({"customer_id": 7}, "newest"),
    ({"status": "open", "warehouse": 3}, "oldest"),
    ({"status": "returned", "country": "DE"}, "newest"),
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database(SLUG) as found:
        yield found


@pytest.fixture
async def pool(url: str) -> AsyncIterator[asyncpg.Pool]:
    """On the data without any migration; each test undoes its own."""
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as one:
        yield one
        names = await one.fetch("SELECT indexname AS name FROM pg_indexes WHERE tablename = 'orders'")
        for name in (row["name"] for row in names if row["name"] != "orders_pkey"):
            await one.execute(f"DROP INDEX {name}")
        await one.execute("DROP TABLE schema_migrations")


class Explained:
    """Stands in a pool's place, and has Postgres say how it did a query."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.plan: dict[str, Any] = {}

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        [found] = json.loads(await self._pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *values))
        self.plan = found["Plan"]
        return []


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", []):
        yield from nodes(each)


def rows_read(plan: dict[str, Any]) -> int:
    """Rows and index entries that the scans of a plan came by."""
    scans = [each for each in nodes(plan) if "Scan" in each["Node Type"]]
    return sum((each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each["Actual Loops"] for each in scans)


@pytest.fixture
def plans(pool: asyncpg.Pool, module: Callable[[str, str, str], ModuleType]) -> Callable[..., Any]:
    """`await plans(variant)`: how Postgres does each search."""

    async def explain(variant: str) -> list[dict[str, Any]]:
        store = module(SLUG, variant, "orders.store")
        await migrate(pool, Path(str(store.__file__)).parent / "migrations")
        found = []
        for wanted, sort in SEARCHES:
            asked = Explained(pool)
            await store.Orders(asked).search(wanted, sort)
            found.append(asked.plan)
        return found

    return explain


async def test_flawed_app_reads_thousands_of_rows_for_twenty(plans):
    assert min(rows_read(each) for each in await plans("flawed")) > 5000


@pytest.mark.parametrize("variant", ["solution", "solution-partial"])
async def test_composite_indexes_are_read_until_there_are_twenty(plans, variant):
    found = await plans(variant)
    assert [rows_read(each) for each in found] == [PAGE] * len(SEARCHES)
    assert not any(each["Node Type"] == "Sort" for plan in found for each in nodes(plan))


@pytest.mark.parametrize("variant", ["wrong/single-columns", "wrong/every-column"])
async def test_indexes_on_single_columns_leave_hundreds_to_read_and_a_sort(plans, variant):
    found = await plans(variant)
    assert min(rows_read(each) for each in found) > 500
    assert all(any("Sort" in each["Node Type"] for each in nodes(plan)) for plan in found)


@pytest.mark.parametrize("variant", ["flawed", "solution"])
async def test_orders_come_in_and_leave_by_van_oldest_first(url, pool, module, monkeypatch, variant):
    monkeypatch.setenv("POSTGRES_URL", url)
    app = module(SLUG, variant, "orders.main").app
    order = {"customer_id": 3, "warehouse": 9, "country": "DE", "email": "a@example.com", "phone": "1", "street": "2"}
    order |= {"postcode": "3", "city": "Dunmore", "items": 2, "weight_grams": 500, "total_cents": 1999}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders") as client,
    ):
        made = (await client.post("/orders", json=order)).json()
        assert (await client.get(f"/orders/{made['id']}")).json() == made
        [newest, *_] = (await client.get("/orders?customer=3")).json()
        assert newest == made
        worklist = "/orders?status=open&warehouse=9&sort=oldest"
        oldest = [each["id"] for each in (await client.get(worklist)).json()]
        van = {"warehouse": 9, "carrier": "Stork", "van": "van-1", "places": 5}
        assert (await client.post("/handovers", json=van)).json() == {"shipped": 5}
        assert [each["id"] for each in (await client.get(worklist)).json()][:15] == oldest[5:]
