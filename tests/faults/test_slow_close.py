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

    async with on(SlowClose(delay="300ms")):
        answered, closed = await closing()
        assert answered < 0.25
        assert closed >= 0.3
    assert (await closing())[1] < 0.3
