"""What the injector asks of a real RabbitMQ: whether it answers, what its queues hold, and to be empty again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.exceptions import ChannelClosed
from aiohttp import web
from aiohttp.test_utils import TestServer
from pamqp import commands
from prometheus_client.parser import text_string_to_metric_families
from tests.conftest import BUSY_SECONDS
from tests.injector.conftest import Moving

from faultline.api.app import Queue
from faultline.errors import Unreachable
from faultline.injector.amqp import Channel
from faultline.injector.config import EdgeConfig, split
from faultline.injector.lab import Lab
from faultline.injector.observer import Places, RabbitQueue, Waiting
from faultline.injector.questions import PAD_BYTES, question_for
from faultline.injector.rabbitmq import DEPTH, MOST_BYTES, THERE, WAITING, Numbers, reset_rabbitmq
from faultline.injector.readiness import store_problem


@pytest.fixture
async def channel(rabbitmq: Any) -> AsyncIterator[Any]:
    """Of an app, on an empty server."""
    await reset_rabbitmq(rabbitmq)
    connection = await aio_pika.connect(f"amqp://app:app@{rabbitmq.rabbitmq}")
    async with connection:
        yield await connection.channel()


@pytest.fixture
async def jobs(rabbitmq: Any, clock: Moving) -> AsyncIterator[RabbitQueue]:
    numbers = Numbers(rabbitmq.rabbitmq_metrics, BUSY_SECONDS)
    yield RabbitQueue("jobs", numbers, clock)
    await numbers.close()


def edge_to(address: str) -> EdgeConfig:
    return EdgeConfig(name="web->rabbitmq", listen=address, api=22000, upstream=address)


async def put(channel: Any, text: str, age: float | None = None) -> None:
    stamp = None if age is None else datetime.now(UTC) - timedelta(seconds=age)
    await channel.default_exchange.publish(aio_pika.Message(text.encode(), timestamp=stamp), "jobs")


@pytest.mark.e2e
async def test_a_queue_that_is_not_there_is_empty(channel, jobs):
    assert await jobs.look() == Waiting(0, 0.0)


@pytest.mark.e2e
async def test_a_queue_counts_what_is_taken_and_not_acknowledged(channel, jobs, tools):
    queue = await channel.declare_queue("jobs", durable=True)
    await put(channel, "first", age=30)
    await put(channel, "second", age=10)

    async def seen(depth: int, oldest: float) -> bool:
        found = await jobs.look()
        return found.depth == depth and oldest <= found.oldest <= oldest + BUSY_SECONDS

    await tools.until(lambda: seen(2, 29))
    taken = await queue.get()
    await asyncio.sleep(1.5)  # its own numbers are a second old
    assert await seen(2, 29)
    await taken.ack()
    await tools.until(lambda: seen(1, 9))
    await (await queue.get()).ack()
    await tools.until(lambda: seen(0, 0))


@pytest.mark.e2e
@pytest.mark.parametrize(("age", "kind"), [(None, "classic"), (-600, "classic"), (30, "quorum")])
async def test_without_a_time_the_oldest_may_have_waited_since_the_queue_was_seen_empty(
    channel, jobs, clock, tools, age, kind
):
    await channel.declare_queue("jobs", durable=True, arguments={"x-queue-type": kind})
    clock.ahead = 100
    assert await jobs.look() == Waiting(0, 0.0)
    await put(channel, "timeless", age)
    clock.ahead = 107

    async def seen() -> bool:
        found = await jobs.look()
        return found.depth == 1 and 7 <= found.oldest < 100

    await tools.until(seen)


@pytest.mark.e2e
async def test_a_clock_may_be_a_second_ahead(channel, jobs, tools):
    await channel.declare_queue("jobs")
    await put(channel, "early", age=-1.5)

    async def seen() -> bool:
        return (await jobs.look()).depth == 1

    await tools.until(seen)
    assert (await jobs.look()).oldest < 1


async def test_what_waits_in_several_places_is_all_of_it():
    async def three() -> Waiting:
        return Waiting(3, 1.5)

    async def one() -> Waiting:
        return Waiting(1, 4.0)

    assert await Places([three, one]).look() == Waiting(4, 4.0)
    assert await Places([]).look() == Waiting(0, 0.0)


@pytest.mark.e2e
async def test_a_reset_leaves_no_queue_and_no_exchange(channel, rabbitmq):
    exchange = await channel.declare_exchange("orders", "topic", durable=True)
    queue = await channel.declare_queue("jobs", durable=True)
    await queue.bind(exchange, "#")
    await put(channel, "old")
    await reset_rabbitmq(rabbitmq)
    for declare in (channel.get_queue, channel.get_exchange):
        with pytest.raises(ChannelClosed, match="NOT_FOUND"):
            await declare("jobs" if declare == channel.get_queue else "orders", ensure=True)
        await channel.reopen()
    # Another shape than before is fine.
    await channel.declare_exchange("orders", "direct")
    assert (await channel.declare_queue("jobs")).declaration_result.message_count == 0


@pytest.fixture
async def exported() -> AsyncIterator[Any]:
    """`exported(lines)` is the numbers of a server that exports these."""
    async with AsyncExitStack() as stack:

        async def make(lines: list[str]) -> Numbers:
            async def answer(_: web.Request) -> web.Response:
                return web.Response(text="\n".join([*lines, ""]))

            app = web.Application()
            app.router.add_get("/metrics/detailed", answer)
            server = await stack.enter_async_context(TestServer(app))
            numbers = Numbers(f"127.0.0.1:{server.port}", BUSY_SECONDS)
            stack.push_async_callback(numbers.close)
            return numbers

        yield make


async def test_only_what_is_asked_for_is_parsed(exported, monkeypatch):
    parsed = []
    monkeypatch.setattr(
        "faultline.injector.rabbitmq.text_string_to_metric_families",
        lambda text: parsed.append(text) or text_string_to_metric_families(text),
    )
    own, like = 'odd \\"one\\"', 'queue=\\"jobs\\"'
    numbers = await exported(
        [
            f"# TYPE {DEPTH} gauge",
            *(f'{DEPTH}{{vhost="/",queue="{queue}"}} {depth}' for depth, queue in enumerate([own, "jobs", like], 1)),
            f'{DEPTH}_ready{{vhost="/",queue="jobs"}} 7',
        ]
    )
    assert await numbers.of(WAITING, "jobs") == [(DEPTH, {"vhost": "/", "queue": "jobs"}, 2.0)]
    assert [value for _, _, value in await numbers.of(WAITING, 'odd "one"')] == [1.0]
    assert [value for _, _, value in await numbers.of(THERE)] == [1.0, 2.0, 3.0]
    assert [len(text.splitlines()) for text in parsed] == [1, 1, 3]


async def test_numbers_without_end_are_refused(exported):
    line = f'{DEPTH}_ready{{vhost="/",queue="jobs"}} 7'
    few = await exported([line] * 10)
    assert await few.of(WAITING, "jobs") == []
    many = await exported([line] * (MOST_BYTES // len(line)))
    with pytest.raises(ValueError, match="over 4 MiB: it has too many queues"):
        await many.of(WAITING, "jobs")


@pytest.fixture
def declared() -> list[str]:
    """What a server exports that has the queue, empty."""
    return [f'{DEPTH}{{vhost="/",queue="jobs"}} 0']


async def test_a_queue_that_was_there_and_is_gone_has_no_number(exported, declared, clock):
    lines: list[str] = []
    queue = RabbitQueue("jobs", await exported(lines), clock)
    assert await queue.look() == Waiting(0, 0.0)
    lines[:] = declared
    assert await queue.look() == Waiting(0, 0.0)
    lines.clear()
    clock.ahead = 20
    for _ in range(2):
        with pytest.raises(ValueError, match="the queue jobs was there and is gone, with what it held"):
            await queue.look()
    # Declared again: what is in it now came after that.
    clock.ahead = 23
    lines[:] = [f'{DEPTH}{{vhost="/",queue="jobs"}} 2']
    assert await queue.look() == (2, pytest.approx(3, abs=1))


async def test_a_queue_that_a_reset_took_away_is_empty(exported, declared, config, tools, monkeypatch):
    lines = list(declared)
    numbers = await exported(lines)
    monkeypatch.setattr("faultline.injector.observer.Numbers", lambda *_: numbers)
    queues = [Queue(name="rides", rabbitmq="jobs")]
    async with Lab(config.model_copy(update={"rabbitmq_metrics": "127.0.0.1:1", "queues": queues})) as lab:
        await tools.until(lambda: lab.observer.waiting)
        lines.clear()
        await tools.until(lambda: not lab.observer.waiting)
        await lab.reset()
        await tools.until(lambda: lab.observer.waiting == {"rides": Waiting(0, 0.0)})


@pytest.mark.e2e
async def test_a_reset_goes_on_until_nothing_is_left(channel, rabbitmq, monkeypatch):
    """The first try fails in the middle, and while the second one is at work somebody declares another queue."""
    await channel.declare_queue("a", durable=True)
    await channel.declare_queue("b", durable=True)
    call, calls = Channel.call, []

    async def eventful(self: Channel, method: Any) -> Any:
        calls.append(method.queue)
        if len(calls) == 2:
            raise EOFError
        answer = await call(self, method)
        if method.queue == "b":
            await channel.declare_queue("late", durable=True)
        return answer

    monkeypatch.setattr(Channel, "call", eventful)
    await reset_rabbitmq(rabbitmq)
    assert calls[:3] == ["a", "b", "b"]
    assert calls[-1] == "late"
    with pytest.raises(ChannelClosed, match="NOT_FOUND"):
        await channel.get_queue("late", ensure=True)


async def test_a_rabbitmq_that_answers_late_or_in_other_words_is_asked_again(config, exported, monkeypatch):
    lines = [f'{DEPTH}{{vhost="/"}} 1']
    numbers = await exported(lines)
    later = asyncio.get_running_loop().call_later(0.3, lines.clear)
    monkeypatch.setattr("faultline.injector.rabbitmq.Numbers", lambda *_: numbers)
    await reset_rabbitmq(config.model_copy(update={"rabbitmq": "127.0.0.1:1", "rabbitmq_metrics": "127.0.0.1:1"}))
    assert later.when() <= asyncio.get_running_loop().time()


async def test_a_rabbitmq_that_is_away_is_named(config: Any, ports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faultline.injector.rabbitmq.RESET_SECONDS", 0.5)
    port, metrics = ports.free(2)
    away = {"rabbitmq": f"127.0.0.1:{port}", "rabbitmq_metrics": f"127.0.0.1:{metrics}"}
    with pytest.raises(
        Unreachable, match=f"RabbitMQ at 127.0.0.1:{port} was not emptied within 0.5s: ClientConn"
    ) as caught:
        await reset_rabbitmq(config.model_copy(update=away))
    assert caught.value.code == "FL628"


@pytest.mark.e2e
async def test_it_is_ready_once_it_lets_a_client_in(rabbitmq, ports):
    assert await store_problem(edge_to(rabbitmq.rabbitmq), rabbitmq) == ""
    [port] = ports.free(1)
    problem = await store_problem(edge_to(f"127.0.0.1:{port}"), rabbitmq)
    assert problem.startswith("edge web->rabbitmq: amqp does not answer:")


@pytest.mark.e2e
@pytest.mark.parametrize(("kind", "least"), [("plain", 1), ("bulk", PAD_BYTES)])
async def test_a_probe_s_question_is_answered_again_and_again(rabbitmq, kind, least):
    question = question_for(edge_to(rabbitmq.rabbitmq), rabbitmq, split(rabbitmq.rabbitmq), kind)
    await question.connect()
    for _ in range(3):
        await question.ask()
        assert min(question.sent_bytes, question.received_bytes) >= least
    question.abort()
    assert not question.connected


@pytest.mark.e2e
async def test_the_closing_question_sees_the_end(rabbitmq):
    question = question_for(edge_to(rabbitmq.rabbitmq), rabbitmq, split(rabbitmq.rabbitmq), "closing")
    await question.connect()
    async with asyncio.timeout(BUSY_SECONDS):
        await question.ask()
    assert not question.connected


@pytest.mark.e2e
async def test_what_the_server_refuses_is_said_by_its_words(rabbitmq):
    channel = await Channel.open(*split(rabbitmq.rabbitmq))
    with pytest.raises(ConnectionError, match="404 NOT_FOUND - no queue 'none'"):
        await channel.call(commands.Queue.Declare(queue="none", passive=True))
    channel.abort()
