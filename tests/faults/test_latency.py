"""latency: replies late, requests not."""

from __future__ import annotations

from typing import Any

from faultline.faults.latency import Latency


async def test_replies_are_late_while_it_is_on(port: int, on: Any, tools: Any) -> None:
    client = await tools.Client.open(port)
    async with on(Latency(delay="150ms")):
        assert (await client.ask())[1] >= 0.15

    async def soon() -> bool:
        return bool((await client.ask())[1] < 0.15)

    # A busy machine may be late by itself once, a fault that stays is so each time.
    await tools.until(soon)
    client.close()


async def test_jitter_spreads_the_delay(port: int, on: Any, tools: Any) -> None:
    client = await tools.Client.open(port)
    async with on(Latency(delay="50ms", jitter="50ms")):
        taken = [(await client.ask())[1] for _ in range(12)]
    assert max(taken) - min(taken) > 0.01
    client.close()


async def test_two_at_once_add_up(port: int, on: Any, tools: Any) -> None:
    client = await tools.Client.open(port)
    async with on(Latency(delay="60ms"), "one"), on(Latency(delay="60ms"), "two"):
        assert (await client.ask())[1] >= 0.12
    client.close()
