"""limit_data: a connection ends after so many bytes of replies."""

from __future__ import annotations

from typing import Any

from faultline.faults.limit_data import LimitData


async def test_connection_ends_after_its_bytes(port: int, on: Any, tools: Any) -> None:
    client = await tools.Client.open(port)
    async with on(LimitData(size=1000)):
        client.writer.write(b"bulk 5000\n")
        assert len(await client.reader.read(-1)) == 1000
    client.close()
    client = await tools.Client.open(port)
    client.writer.write(b"bulk 5000\n")
    assert len(await client.reader.readexactly(5000)) == 5000
    client.close()
