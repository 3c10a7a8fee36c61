"""Who gets a seat and what becomes of the money in each version of `booking`: real stores, the real provider."""

from __future__ import annotations

import asyncio
import os
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from tests import servers
from tests.preloaded import Forked
from tests.scenarios.conftest import SCENARIOS, database

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patient")]

SLUG = "booking"
SOLUTIONS = ("solution", "solution-row-locks", "solution-hold")
WORK_SECONDS = 0.3
SHORTER = {"SETTLE_SECONDS": 0.1, "PATIENCE_SECONDS": 0.1}
# However slow the machine is, time passes for orders when a test says so.
LONGER = {"TIMEOUT_SECONDS": 60.0, "DOUBTFUL_SECONDS": 600.0, "HOLD_SECONDS": 600.0}
PASSES = {
    "bookings": ("created_at", "UPDATE bookings SET created_at = created_at - interval '1 hour'"),
    "tickets": ("held_until", "UPDATE tickets SET held_until = held_until - interval '1 hour'"),
}

Load = Callable[[str, str, str], ModuleType]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    port, folder = servers.free_port(), str(tmp_path_factory.mktemp("payments"))
    arguments = ["payments.main:app", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "PAYMENTS_WORK_SECONDS": str(WORK_SECONDS)}
    provider = Forked("labkit.serve", arguments, environment=environment, output=folder)
    try:
        with database(SLUG) as postgres, servers.redis() as redis:
            answers(f"http://127.0.0.1:{port}/healthz")
            yield {
                "POSTGRES_URL": postgres,
                "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
                "PAYMENTS_URL": f"http://127.0.0.1:{port}",
            }
    finally:
        provider.kill()
        provider.wait()


def answers(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own server
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture
async def clean(stores: dict[str, str]) -> AsyncIterator[None]:
    """Every version migrates the seed's tables for itself, and finds an empty Redis."""
    yield
    redis = Redis.from_url(stores["REDIS_URL"])
    await redis.flushall()
    await redis.aclose()
    connection = await asyncpg.connect(stores["POSTGRES_URL"])
    await connection.execute("DROP TABLE tickets, bookings, seats, shows, schema_migrations")
    await connection.execute((SCENARIOS / SLUG / "seed.sql").read_text())
    await connection.close()


class BoxOffice:
    """The service, seen by customers, by the people at the door, and by who holds the cards."""

    def __init__(self, client: httpx.AsyncClient, main: ModuleType, redis: Redis, names: str, postgres: str) -> None:
        self._client = client
        self._postgres = postgres
        self._names = names
        self.main = main
        self.redis = redis

    def name(self, number: int) -> str:
        """Of an order; the provider remembers those of all tests."""
        return f"order-{self._names}-{number}"

    async def book(self, number: int, *seats: int) -> int:
        order = {"id": self.name(number), "show": 1, "seats": seats}
        return (await self._client.post("/bookings", json=order)).status_code

    async def at_once(self, *orders: tuple[int, ...]) -> list[int]:
        """The statuses of orders that are sent together, sorted."""
        return sorted(await asyncio.gather(*(self.book(*each) for each in orders)))

    async def door(self) -> list[int]:
        return [each["seat"] for each in (await self._client.get("/shows/1/door")).json()]

    async def paid(self, number: int) -> list[int]:
        """What is on the card for an order."""
        charges = (await self._client.get("/statement")).json()
        return [each["amount"] for each in charges if each["order_id"] == self.name(number)]

    async def free(self) -> list[int]:
        return list((await self._client.get("/shows/1/seats")).json()["free"])

    async def unheard(self, number: int, *seats: int) -> int:
        """The provider charges, and its answer is lost."""
        payments, error = self.main.app.state.payments, self.main.PaymentError
        charge = payments.charge

        async def lost(*arguments: Any) -> str:
            await charge(*arguments)
            raise error("the connection was cut")

        payments.charge = lost
        try:
            return await self.book(number, *seats)
        finally:
            payments.charge = charge

    @contextmanager
    def paying_together(self, count: int) -> Iterator[None]:
        """Nobody's payment goes on before so many have come to theirs."""
        payments, everybody = self.main.app.state.payments, asyncio.Barrier(count)
        charge = payments.charge

        async def together(*arguments: Any) -> str:
            await everybody.wait()
            return str(await charge(*arguments))

        payments.charge = together
        try:
            yield
        finally:
            payments.charge = charge

    async def an_hour_passes(self) -> None:
        """For all that has been ordered."""
        connection = await asyncpg.connect(self._postgres)
        for table, (column, passes) in PASSES.items():
            there = "SELECT count(*) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = $2"
            if await connection.fetchval(there, table, column):
                await connection.execute(passes)
        await connection.close()

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(60):
            while not await condition():  # noqa: ASYNC110 nobody tells us
                await asyncio.sleep(0.1)


@pytest.fixture
async def office(
    module: Load, stores: dict[str, str], clean: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[BoxOffice]:
    for name, value in stores.items():
        monkeypatch.setenv(name, value)
    main, *others = (module(SLUG, request.param, f"booking.{each}") for each in ("main", "desk", "payments"))
    for constant, value in {**SHORTER, **LONGER}.items():
        for each in (main, *others):
            if hasattr(each, constant):
                monkeypatch.setattr(each, constant, value)
    redis = Redis.from_url(stores["REDIS_URL"])
    async with (
        main.app.router.lifespan_context(main.app),
        httpx.AsyncClient(transport=httpx.ASGITransport(main.app), base_url="http://booking", timeout=60) as client,
    ):
        yield BoxOffice(client, main, redis, f"{time.monotonic_ns():x}", stores["POSTGRES_URL"])
    await redis.aclose()


def versions(*names: str) -> Any:
    return pytest.mark.parametrize("office", names, indirect=True)


@versions("flawed", *SOLUTIONS)
async def test_order_is_sold_once_and_told_again(office):
    assert await office.book(1, 4, 5) == 201
    assert await office.book(1, 4, 5) == 201
    assert await office.door() == [4, 5]
    assert await office.paid(1) == [2 * 3900]
    assert await office.book(2, 5, 6) == 409
    assert await office.paid(2) == []
    assert (await office.free())[:4] == [1, 2, 3, 6]


@versions("flawed")
async def test_looking_before_paying_sells_twice(office):
    with office.paying_together(2):
        assert await office.at_once((1, 7, 8), (2, 8, 9)) == [201, 201]
    assert await office.door() == [7, 8, 8, 9]


@versions(*SOLUTIONS)
async def test_one_of_two_gets_the_seat_and_only_that_one_pays(office):
    assert await office.at_once((1, 8, 7), (2, 8, 9), (3, 8)) == [201, 409, 409]
    assert len(await office.door()) == len(set(await office.door()))
    assert len([number for number in (1, 2, 3) if await office.paid(number)]) == 1


@versions(*SOLUTIONS)
async def test_order_that_comes_twice_at_once_is_one(office):
    assert await office.at_once((1, 7), (1, 7), (1, 7)) == [201, 201, 201]
    assert await office.door() == [7]
    assert await office.paid(1) == [3900]


@versions("solution")
async def test_without_the_index_seats_are_sold_twice(office, stores):
    connection = await asyncpg.connect(stores["POSTGRES_URL"])
    await connection.execute("DROP INDEX tickets_once")
    await connection.close()
    assert await office.at_once((1, 7, 8), (2, 8, 9)) == [201, 201]
    assert await office.door() == [7, 8, 8, 9]


@versions("wrong/lock-in-redis")
async def test_lock_that_ran_out_sells_twice(office, monkeypatch):
    monkeypatch.setattr("booking.locks.LOCK_SECONDS", 600)
    assert await office.at_once((1, 7, 8), (2, 8, 9)) == [201, 409]
    with office.paying_together(2):
        first = asyncio.create_task(office.book(3, 17))
        await office.until(lambda: office.redis.delete("lock:1/17"))  # as time does when the provider is slow
        assert await office.book(4, 17) == 201
        assert await first == 201
    assert (await office.door()).count(17) == 2


@versions("flawed")
async def test_payment_that_nobody_heard_of_is_lost(office):
    assert await office.unheard(1, 7) == 502
    assert await office.paid(1) == [3900]
    assert await office.book(2, 7) == 201
    assert await office.book(1, 7) == 409
    assert await office.paid(1) == [3900]


@versions(*SOLUTIONS)
async def test_payment_that_nobody_heard_of_is_settled_though_nobody_asks(office):
    assert await office.unheard(1, 7) == 503
    await office.an_hour_passes()
    await office.until(office.door)
    assert await office.door() == [7]
    assert await office.paid(1) == [3900]


@versions("solution", "solution-row-locks")
async def test_seats_that_may_be_paid_are_nobody_elses_and_not_let_in_either(office):
    office.main.app.state.desk.doubtful = nobody
    assert await office.unheard(1, 7) == 503
    assert await office.book(2, 7) == 409
    assert await office.door() == []


async def nobody() -> list[Any]:
    return []


@versions("solution", "solution-row-locks", "wrong/left-to-the-customer")
async def test_customer_who_asks_again_learns_of_the_payment(office):
    assert await office.unheard(1, 7) == 503
    assert await office.book(1, 7) == 201
    assert await office.paid(1) == [3900]


@versions("wrong/left-to-the-customer")
async def test_customer_who_does_not_ask_pays_for_nothing(office):
    assert await office.unheard(1, 7) == 503
    await office.an_hour_passes()
    await asyncio.sleep(1)
    assert await office.paid(1) == [3900]
    assert await office.door() == []


@versions("wrong/release-on-error")
async def test_seat_that_is_given_away_by_an_error_was_paid(office):
    assert await office.unheard(1, 7) == 502
    assert await office.book(2, 7) == 201
    assert await office.book(1, 7) == 409
    assert await office.paid(1) == [3900]


@versions(*SOLUTIONS)
async def test_order_whose_process_died_is_brought_to_an_end(office):
    payments, charge = office.main.app.state.payments, office.main.app.state.payments.charge

    async def never(*arguments: Any) -> str:
        raise asyncio.CancelledError

    payments.charge = never
    with suppress(asyncio.CancelledError):
        await office.book(1, 7)
    payments.charge = charge
    await office.an_hour_passes()

    async def decided() -> bool:
        """The seat is paid and theirs, or it is free for somebody else."""
        if hasattr(office.main.app.state.desk, "lapse"):
            return await office.book(int(time.monotonic() * 1000), 7) == 201
        return await office.door() == [7] and await office.paid(1) == [3900]

    await office.until(decided)


@versions("solution-hold")
async def test_payment_that_comes_too_late_is_given_back(office, monkeypatch):
    monkeypatch.setattr(type(office.main.app.state.desk), "confirm", slowly(office))
    late = asyncio.create_task(office.book(1, 7, 8))
    await office.until(lambda: office.paid(1))
    await office.an_hour_passes()
    assert await office.book(2, 8, 9) == 201
    assert await late == 409
    assert await office.paid(1) == []
    assert await office.book(1, 7, 8) == 409
    assert await office.door() == [8, 9]


def slowly(office: BoxOffice) -> Callable[..., Any]:
    """`confirm`, but the first one waits until somebody else has the seats."""
    confirm, taken = type(office.main.app.state.desk).confirm, asyncio.Event()

    async def late(desk: Any, booking: Any, charge_id: str) -> Any:
        if booking.id == office.name(1):
            await taken.wait()
        else:
            taken.set()
        return await confirm(desk, booking, charge_id)

    return late


@versions("solution", "wrong/one-global-lock")
async def test_lock_for_all_keeps_those_waiting_who_want_other_seats(office):
    async with office.redis.lock("bookings", timeout=60):
        assert await office.book(1, 7) == (503 if hasattr(office.main, "LOCK_SECONDS") else 201)
