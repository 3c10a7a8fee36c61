"""bandwidth: bytes take their time, each way for itself."""

from __future__ import annotations

import time
from typing import Any

import pytest

from faultline.faults.bandwidth import Bandwidth


async def transfer(port: int, tools: Any, direction: str) -> float:
    """Seconds for 20,000 bytes that way."""
    client = await tools.Client.open(port)
    started = time.monotonic()
    if direction == "replies":
        client.writer.write(b"bulk 20000\n")
        await client.reader.readexactly(20000)
    else:
        client.writer.write(b"x" * 20000 + b"\n")
        await client.reader.readline()
    client.close()
    return time.monotonic() - started


@pytest.mark.parametrize("direction", ["requests", "replies"])
async def test_narrows_its_direction_only(port: int, on: Any, tools: Any, direction: Any) -> None:
    other = "requests" if direction == "replies" else "replies"

    async def soon(way: str) -> bool:
        return await transfer(port, tools, way) < 0.15

    # A busy machine may be late by itself once, a fault is so each time.
    async with on(Bandwidth(rate=100, direction=direction)):
        assert await transfer(port, tools, direction) >= 0.15
        await tools.until(lambda: soon(other))
    await tools.until(lambda: soon(direction))
