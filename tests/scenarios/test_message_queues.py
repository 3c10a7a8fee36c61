"""What becomes of a ride in each version of `message-queues`, on real stores and with the real provider."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from types import ModuleType
from typing import Any

import asyncpg
import httpx
import pytest
from aio_pika import RobustQueue, connect
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
from redis.asyncio import Redis
from tests import servers
from tests.preloaded import Forked
from tests.scenarios.conftest import BUSY_SECONDS, database

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patient")]

SLUG = "message-queues"
SOLUTIONS = ("solution", "solution-table", "solution-rabbitmq")
MOST = 32

Load = Callable[[str, str, str], ModuleType]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    port, folder = servers.free_port(), str(tmp_path_factory.mktemp("payments"))
    arguments = ["payments.main:app", "--host", "127.0.0.1", "--port", str(port)]
    provider = Forked("labkit.serve", arguments, environment=dict(os.environ), output=folder)
    try:
        with database(SLUG) as postgres, servers.redis() as redis, servers.rabbitmq() as rabbitmq:
            answers(f"http://127.0.0.1:{port}/healthz")
            yield {
                "POSTGRES_URL": postgres,
                "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
                "RABBITMQ_URL": f"amqp://app:app@127.0.0.1:{rabbitmq[0]}",
                "PAYMENTS_URL": f"http://127.0.0.1:{port}",
                "CONSUMERS": "0",
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


class Rides:
    """Both services in this process; its consumers take a step when a test says so."""

    def __init__(
        self, client: httpx.AsyncClient, worker: ModuleType, jobs: ModuleType, queue: AbstractQueue | None
    ) -> None:
        self._client = client
        self._worker = worker
        self.queue = queue
        """Where messages come to `step` rather than that it takes them."""
        self.module = jobs
        self.jobs = worker.app.state.jobs

    async def end(self, number: int, fare: int = 1200) -> httpx.Response:
        return await self._client.post("/rides", json={"id": name(number), "fare": fare})

    async def charges(self, number: int) -> int:
        return len((await self._client.get(f"/rides/{name(number)}/charges")).json())

    async def steps(self, count: int) -> None:
        for _ in range(count):
            if self.queue is None:
                await self._worker.step(self._worker.app)
            elif message := await self.queue.get(fail=False):
                await self.step(message)

    async def step(self, message: AbstractIncomingMessage) -> None:
        await self._worker.step(self._worker.app, message)

    async def charge(self, ride: Any) -> None:
        """What a worker does between taking a ride and saying that it is done."""
        state = self._worker.app.state
        await state.charges.add(ride, await state.payments.charge(ride))


def name(number: int) -> str:
    return f"ride-{number:06d}"


@pytest.fixture
async def rides(
    module: Load, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Rides]:
    for variable, value in stores.items():
        monkeypatch.setenv(variable, value)
    front, worker, jobs = (module(SLUG, request.param, each) for each in ("rides.main", "worker.main", "charging.jobs"))
    for constant, shorter in {"IDLE_MILLISECONDS": 200, "WAIT_MILLISECONDS": 100}.items():
        if hasattr(jobs, constant):
            monkeypatch.setattr(jobs, constant, shorter)
    monkeypatch.setattr(module(SLUG, request.param, "worker.payments"), "TIMEOUT_SECONDS", BUSY_SECONDS)
    redis = Redis.from_url(stores["REDIS_URL"])
    async with AsyncExitStack() as stack:
        for app in (front.app, worker.app):
            await stack.enter_async_context(app.router.lifespan_context(app))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(front.app), base_url="http://rides")
        await stack.enter_async_context(client)
        if hasattr(worker.app.state.jobs, "join"):
            await worker.app.state.jobs.join()
        queue = None
        if request.param == "solution-rabbitmq":
            broker = await stack.enter_async_context(await connect(stores["RABBITMQ_URL"]))
            channel = await broker.channel()
            queue = await channel.get_queue(jobs.QUEUE)
        yield Rides(client, worker, jobs, queue)
        if queue is not None:
            for each in (jobs.QUEUE, jobs.DEAD):
                await channel.queue_delete(each)
    await redis.flushall()
    await redis.aclose()
    connection = await asyncpg.connect(stores["POSTGRES_URL"])
    await connection.execute(
        "DROP TABLE IF EXISTS jobs, schema_migrations; DELETE FROM charges WHERE ride LIKE 'ride-%'"
    )
    await connection.execute("DROP INDEX IF EXISTS charges_once, charges_ride")
    await connection.close()


def versions(*names: str) -> Any:
    return pytest.mark.parametrize("rides", names, indirect=True)


@versions("flawed", *SOLUTIONS)
async def test_ride_is_charged_once(rides):
    assert (await rides.end(1)).status_code == 202
    await rides.steps(2)
    assert await rides.charges(1) == 1


@versions(*SOLUTIONS)
async def test_ride_that_nobody_can_charge_is_put_aside(rides):
    await rides.end(2, fare=0)
    await rides.end(3)
    await rides.steps(2)
    assert [await rides.charges(2), await rides.charges(3)] == [0, 1]


@versions("flawed")
async def test_ride_that_nobody_can_charge_stops_all_others(rides):
    await rides.end(4, fare=0)
    await rides.end(5)
    await rides.steps(20)
    assert await rides.charges(5) == 0


@versions(*SOLUTIONS, "wrong/ack-first", "wrong/charged-twice", "wrong/wait-for-it")
async def test_full_queue_turns_drivers_away(rides):
    for number in range(100, 100 + getattr(rides.module, "MOST", MOST)):
        await rides.jobs.put(rides.module.Ride(id=name(number), fare=100))
    refused = await rides.end(200)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "2"


@versions("wrong/trimmed")
async def test_trimmed_stream_forgets_what_was_accepted(rides):
    for number in range(300, 300 + MOST + 1):
        assert (await rides.end(number)).status_code == 202
    await rides.steps(MOST + 2)
    assert [await rides.charges(300), await rides.charges(301)] == [0, 1]


@versions("solution")
async def test_ride_of_a_dead_worker_is_claimed(rides):
    await rides.end(6)
    await rides.jobs.take()
    await rides.steps(4)
    assert await rides.charges(6) == 1


@versions("solution-table")
async def test_ride_of_a_dead_worker_is_free_again(rides):
    await rides.end(7)

    async def die() -> None:
        async with rides.jobs.take() as job, rides.jobs.take() as other:
            assert job.ride.id == name(7)
            assert other is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await die()
    await rides.steps(1)
    assert await rides.charges(7) == 1


@versions("solution-rabbitmq")
async def test_ride_of_a_dead_worker_is_in_the_queue_again(rides, stores):
    await rides.end(10)
    async with await connect(stores["RABBITMQ_URL"]) as worker:
        taken = await (await (await worker.channel()).get_queue(rides.module.QUEUE)).get()
        assert not taken.redelivered
    again = await rides.queue.get()
    assert again.redelivered
    await rides.step(again)
    assert await rides.charges(10) == 1


@versions("solution-rabbitmq")
async def test_ride_that_was_charged_and_not_acknowledged_is_charged_once(rides):
    await rides.end(11)
    message = await rides.queue.get()
    await rides.charge(rides.module.Ride.model_validate_json(message.body))
    await message.nack()
    await rides.steps(2)
    assert await rides.charges(11) == 1


@versions("solution-rabbitmq")
async def test_ride_that_no_queue_took_is_not_promised(rides, monkeypatch):
    count = RobustQueue.declare

    async def gone_after(queue: RobustQueue) -> Any:
        counted = await count(queue)
        await rides.queue.delete()
        return counted

    monkeypatch.setattr(RobustQueue, "declare", gone_after)
    assert (await rides.end(14)).status_code == 503


@versions("solution-rabbitmq")
async def test_code_with_another_bound_starts_while_rides_wait(rides, stores, monkeypatch):
    await rides.end(15)
    await rides.end(16)
    monkeypatch.setattr(rides.module, "MOST", 3)
    changed = await rides.module.Jobs.open(stores["RABBITMQ_URL"])
    await changed.put(rides.module.Ride(id=name(17), fare=100))
    with pytest.raises(rides.module.Full, match="3 rides wait"):
        await changed.put(rides.module.Ride(id=name(18), fare=100))
    await changed.close()
    await rides.steps(4)
    assert [await rides.charges(number) for number in (15, 16, 17, 18)] == [1, 1, 1, 0]


@versions("solution-rabbitmq")
async def test_rides_are_brought_to_the_worker_and_those_that_nobody_can_charge_to_another_queue(rides, tools):
    await rides.end(12, fare=0)
    await rides.end(13)
    await rides.jobs.consume(rides.step)

    async def settled() -> bool:
        return await rides.charges(13) == 1

    await tools.until(settled)
    dead = await (await rides.queue.channel.get_queue(rides.module.DEAD)).get()
    assert (dead.body.decode(), dead.delivery_mode) == (rides.module.Ride(id=name(12), fare=0).model_dump_json(), 2)


@versions("flawed", "wrong/ack-first")
async def test_ride_of_a_dead_worker_is_lost(rides):
    await rides.end(8)
    assert await rides.jobs.take() is not None
    await rides.steps(4)
    assert await rides.charges(8) == 0


async def stalled(rides: Rides) -> int:
    """A worker takes a ride, another one charges it meanwhile, and then the first goes on. The ride's charges."""
    await rides.end(9)
    _, ride = await rides.jobs.take()
    await rides.steps(4)
    await rides.charge(ride)
    return await rides.charges(9)


@versions("solution")
async def test_worker_that_was_only_slow_adds_nothing(rides):
    assert await stalled(rides) == 1


@versions("wrong/charged-twice")
async def test_worker_that_was_only_slow_charges_again(rides):
    assert await stalled(rides) == 2
