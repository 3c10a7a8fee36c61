"""The parts of circuit-breakers' reference solution that run without a cluster."""

from __future__ import annotations

import asyncio
import importlib
import sys
from functools import partial
from pathlib import Path

import pytest

from faultline import catalogue

FOLDER = Path(__file__).parents[2] / "scenarios/circuit-breakers"
SECONDS_OF_REST = 1.0


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Imports a module of the solution's package `checkout`, and forgets all of them afterwards."""
    for path, text in catalogue.version(FOLDER, "solution").files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name: importlib.import_module(f"checkout.{name}")
    for name in [each for each in sys.modules if each.partition(".")[0] == "checkout"]:
        del sys.modules[name]


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(checkout, clock):
    return checkout("breaker").Breaker(failures=3, rest_seconds=SECONDS_OF_REST, clock=clock)


def fail(breaker, times):
    for _ in range(times):
        breaker.failed()


def test_breaker_stays_closed_below_its_number_of_failures(breaker):
    fail(breaker, 2)
    assert breaker.allows()


def test_breaker_counts_failures_in_a_row_only(breaker):
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.allows()


def test_breaker_opens(breaker):
    fail(breaker, 3)
    assert not breaker.allows()


def test_open_breaker_lets_one_probe_through_after_its_rest(breaker, clock):
    fail(breaker, 3)
    clock.now += SECONDS_OF_REST
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_failed_probe_opens_for_another_rest(breaker, clock):
    fail(breaker, 3)
    clock.now += SECONDS_OF_REST
    breaker.allows()
    clock.now += 0.5
    breaker.failed()
    clock.now += SECONDS_OF_REST - 0.1
    assert not breaker.allows()
    clock.now += 0.2
    assert breaker.allows()


def test_good_probe_closes(breaker, clock):
    fail(breaker, 3)
    clock.now += SECONDS_OF_REST
    breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(10))


def test_probe_that_nobody_reports_on_is_followed_by_another(breaker, clock):
    fail(breaker, 3)
    clock.now += SECONDS_OF_REST
    breaker.allows()
    clock.now += SECONDS_OF_REST
    assert breaker.allows()


async def test_provider_that_never_answers_is_left_alone_after_five_tries(checkout, clock, monkeypatch):
    payments, arrived, tries = checkout("payments"), [], []
    # It does not become time for another try, however slow the machine is.
    monkeypatch.setattr(payments, "Breaker", partial(payments.Breaker, clock=clock))

    async def silent(reader, writer):
        arrived.append(writer)
        await reader.read()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with payments.Payments(f"http://127.0.0.1:{port}") as client:
        post = client._post

        async def counted(*arguments):
            tries.append(arguments)
            return await post(*arguments)

        monkeypatch.setattr(client, "_post", counted)
        for number in range(8):
            # Without a time-out of its own it would be minutes.
            async with asyncio.timeout(60):
                with pytest.raises(payments.PaymentError):
                    await client.charge(f"order-{number}", 100)
    server.close()
    for each in arrived:
        each.close()
        await each.wait_closed()
    # One that had no time left may not have come to its connection.
    assert len(tries) == 5 >= len(arrived) > 0
