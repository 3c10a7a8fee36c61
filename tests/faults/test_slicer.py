"""slicer: many small pieces."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faultline.faults.slicer import Slicer


async def pieces(port: int, tools: Any) -> list[int]:
    """The sizes in which 200 bytes arrive."""
    client = await tools.Client.open(port)
    client.writer.write(b"bulk 200\n")
    found: list[int] = []
    while sum(found) < 200:
        found.append(len(await client.reader.read(4096)))
    client.close()
    return found


async def test_reply_arrives_in_pieces(port: int, on: Any, tools: Any) -> None:
    async def small() -> bool:
        found = await pieces(port, tools)
        return len(found) >= 5 and max(found) <= 60

    # Whoever reads late reads several at once.
    async with on(Slicer(size=20, delay="20ms")):
        await tools.until(small)
    assert len(await pieces(port, tools)) <= 2


def test_variation_must_be_below_the_size() -> None:
    with pytest.raises(ValidationError, match="variation must be below size 10, got 10"):
        Slicer(size=10, variation=10)
