"""How often each version of `idempotency` charges a sale: the retry, the dead process, the copy, on real stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from types import ModuleType
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from tests import servers
from tests.scenarios.conftest import database

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patient")]

SLUG = "idempotency"
SOLUTIONS = ("solution", "solution-on-the-charge")
KEY_SECONDS = 600
"""No key expires in the middle of a test, unless that is what it is about."""
SOON = 2

Load = Callable[[str, str, str], ModuleType]


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, str]]:
    with database(SLUG) as postgres, servers.redis() as redis:
        yield {"POSTGRES_URL": postgres, "REDIS_URL": f"redis://127.0.0.1:{redis}/0"}


@pytest.fixture
async def clean(stores: dict[str, str]) -> AsyncIterator[None]:
    """Every version migrates the seed's tables for itself, and finds an empty Redis."""
    yield
    await forget(stores)
    connection = await asyncpg.connect(stores["POSTGRES_URL"])
    await connection.execute("DROP TABLE IF EXISTS keys, schema_migrations; TRUNCATE charges")
    await connection.execute("DROP INDEX charges_reference; ALTER TABLE charges DROP COLUMN IF EXISTS key")
    await connection.close()


async def forget(stores: dict[str, str]) -> None:
    """Redis as it is after a restart."""
    redis = Redis.from_url(stores["REDIS_URL"])
    await redis.flushall()
    await redis.aclose()


class Billing:
    """The service, seen by a terminal."""

    def __init__(self, client: httpx.AsyncClient, stores: dict[str, str]) -> None:
        self._client = client
        self._stores = stores

    async def charge(self, key: str, sale: dict[str, Any]) -> httpx.Response:
        return await self._client.post("/charges", json=sale, headers={"Idempotency-Key": key})

    async def charges(self, sale: dict[str, Any]) -> list[dict[str, Any]]:
        found = await self._client.get("/charges", params={"reference": sale["reference"]})
        return list(found.json())

    async def twice_while_locked(self, key: str, sale: dict[str, Any]) -> list[int]:
        """The sale is sent, and sent again while the first request waits for a lock; the statuses of both."""
        async with self.locked():
            sent = [asyncio.create_task(self.charge(key, sale)) for _ in range(2)]
            await self.waiting(2)
        return [each.status_code for each in await asyncio.gather(*sent)]

    async def die_while_locked(self, key: str, sale: dict[str, Any]) -> None:
        """The request that waits for a lock is gone, with its connection."""
        async with self.locked():
            sent = asyncio.create_task(self.charge(key, sale))
            await self.waiting(1)
            sent.cancel()
            with suppress(asyncio.CancelledError):
                await sent

    async def waiting(self, count: int) -> None:
        """Until so many transactions wait for another one."""
        connection = await asyncpg.connect(self._stores["POSTGRES_URL"])
        try:
            async with asyncio.timeout(60):
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                while await connection.fetchval(waiting) < count:  # noqa: ASYNC110 nobody tells us
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        connection = await asyncpg.connect(self._stores["POSTGRES_URL"])
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE accounts IN EXCLUSIVE MODE")
                yield
        finally:
            await connection.close()


@pytest.fixture
async def billing(
    module: Load, stores: dict[str, str], clean: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Billing]:
    variant, seconds = request.param
    for name, value in {**stores, "KEY_SECONDS": str(seconds)}.items():
        monkeypatch.setenv(name, value)
    app = module(SLUG, variant, "billing.main").app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://billing") as client,
    ):
        yield Billing(client, stores)


def versions(*names: str, seconds: int = KEY_SECONDS) -> Any:
    return pytest.mark.parametrize("billing", [(name, seconds) for name in names], indirect=True, ids=names)


def sale(number: int, amount: int = 700) -> dict[str, Any]:
    return {"reference": f"sale-{number:06d}", "account": number, "amount": amount}


@versions("flawed", *SOLUTIONS)
async def test_who_asks_again_is_told_the_same(billing):
    first, again = await billing.charge("terminal-1/1", sale(1)), await billing.charge("terminal-1/1", sale(1))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert await billing.charges(sale(1)) == [first.json()]


@versions(*SOLUTIONS)
async def test_retry_while_the_first_request_hangs_is_charged_once(billing):
    assert await billing.twice_while_locked("terminal-1/2", sale(2)) == [201, 201]
    assert len(await billing.charges(sale(2))) == 1


@versions("flawed", "wrong/look-first")
async def test_looking_before_charging_charges_twice(billing):
    await billing.twice_while_locked("terminal-1/3", sale(3))
    assert len(await billing.charges(sale(3))) == 2


@versions("flawed", "wrong/claim-in-redis")
async def test_answers_that_redis_forgot_are_charged_again(billing, stores):
    await billing.charge("terminal-1/4", sale(4))
    await forget(stores)
    await billing.charge("terminal-1/4", sale(4))
    assert len(await billing.charges(sale(4))) == 2


@versions(*SOLUTIONS)
async def test_request_that_died_leaves_nothing_behind(billing):
    await billing.die_while_locked("terminal-1/5", sale(5))
    assert (await billing.charge("terminal-1/5", sale(5))).status_code == 201
    assert len(await billing.charges(sale(5))) == 1


@versions("wrong/claim-first", "wrong/claim-in-redis", "wrong/refuse-retries")
async def test_claim_outlives_the_request_that_made_it(billing):
    await billing.die_while_locked("terminal-1/6", sale(6))
    assert (await billing.charge("terminal-1/6", sale(6))).status_code == 409


@versions(*SOLUTIONS)
async def test_key_of_another_sale_is_refused_and_charges_nothing(billing):
    await billing.charge("terminal-1/7", sale(7))
    assert (await billing.charge("terminal-1/7", sale(8))).status_code == 422
    assert await billing.charges(sale(8)) == []


@versions("flawed", "wrong/key-alone")
async def test_key_alone_gives_one_sale_the_charge_of_another(billing):
    first = await billing.charge("terminal-1/9", sale(9))
    assert (await billing.charge("terminal-1/9", sale(10))).json() == first.json()


@versions("flawed", *SOLUTIONS, seconds=SOON)
async def test_key_can_be_used_again_once_it_expired(billing):
    first = await billing.charge("terminal-1/11", sale(11))
    await asyncio.sleep(SOON + 0.2)
    second = await billing.charge("terminal-1/11", sale(12))
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


@versions(*SOLUTIONS)
async def test_declined_sale_is_not_charged_and_may_come_again(billing):
    assert (await billing.charge("terminal-1/13", sale(13, amount=10**8))).status_code == 402
    assert (await billing.charge("terminal-1/13", sale(13))).status_code == 201
