"""slow_close: the end comes late, the data does not."""

from __future__ import annotations

import time
from typing import Any

from faultline.faults.slow_close import SlowClose


async def test_end_comes_late(port: int, on: Any, tools: Any) -> None:
    async def closing() -> tuple[float, float]:
        client = await tools.Client.open(port)
        started = time.monotonic()
        answer, answered = await client.ask(b"bye")
        assert answer == b"bye\n"
        assert await client.reader.read(-1) == b""
        client.close()
        return answered, time.monotonic() - started

    async def only_the_end_is_late() -> bool:
        answered, closed = await closing()
        assert closed >= 0.3
        return answered < 0.25

    async def soon() -> bool:
        return (await closing())[1] < 0.3

    # A busy machine may be late by itself once, a fault is so each time.
    async with on(SlowClose(delay="300ms")):
        await tools.until(only_the_end_is_late)
    await tools.until(soon)
