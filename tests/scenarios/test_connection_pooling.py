"""The limits of connection-pooling's solutions, on the scenario's own database while its table is locked."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import ModuleType

import asyncpg
import httpx
import pytest
from fastapi import HTTPException
from tests.conftest import until
from tests.scenarios.conftest import database

SLUG = "connection-pooling"
PATIENCE_SECONDS = 2.5
"""The client's deadline in scenario.yaml."""

Load = Callable[[str, str, str], ModuleType]


def test_admission_sends_away_who_comes_when_it_is_full(module: Load):
    admission = module(SLUG, "solution-bounded-queue", "admission").Admission(1)
    with admission.enter():
        with pytest.raises(HTTPException) as refused, admission.enter():
            pass
        assert refused.value.status_code == 503
    with admission.enter():
        pass


def test_admission_lets_the_next_one_in_after_a_failure(module: Load):
    admission = module(SLUG, "solution-bounded-queue", "admission").Admission(1)
    with pytest.raises(ZeroDivisionError), admission.enter():
        raise ZeroDivisionError
    with admission.enter():
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database(SLUG) as found:
        yield found


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE stock IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def orders(
    module: Load, variant: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service `orders`."""
    monkeypatch.setenv("POSTGRES_URL", url)
    app = module(SLUG, variant, "orders.main").app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders") as client,
    ):
        yield client


async def place(client: httpx.AsyncClient, number: int) -> int:
    cart = {"id": f"order-{number:08d}", "product_id": 1 + number % 5000, "quantity": 1}
    return (await client.post("/orders", json=cart)).status_code


@pytest.mark.e2e
@pytest.mark.parametrize("variant", ["solution", "solution-bounded-queue"])
async def test_orders_are_refused_in_time_while_their_table_is_locked(module, url, monkeypatch, variant):
    async with orders(module, variant, url, monkeypatch) as client:
        numbers = itertools.count(100 if variant == "solution" else 2500)

        async def placed() -> bool:
            """On a busy machine an order may be refused without a lock, too."""
            status = await place(client, next(numbers))
            assert status in (201, 503)
            return status == 201

        async def refused_in_time() -> bool:
            """Whether thirty are; on a busy machine some times may be later."""
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    found = await asyncio.gather(*(place(client, next(numbers)) for _ in range(30)))
            except TimeoutError:
                return False
            assert set(found) == {503}
            return True

        await until(placed)
        async with locked(url):
            await until(refused_in_time)
        await until(placed)
