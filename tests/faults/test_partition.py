"""partition: silence, one way or both."""

from __future__ import annotations

from typing import Any

import pytest

from faultline.faults.partition import Partition


@pytest.mark.parametrize(("direction", "arrives"), [("both", False), ("requests", False), ("replies", True)])
async def test_silences_open_and_new_connections(
    port: int, on: Any, tools: Any, backend: Any, direction: Any, arrives: bool
) -> None:
    client = await tools.Client.open(port)
    assert await client.works()
    backend.lines.clear()
    async with on(Partition(direction=direction)):
        assert not await client.answers()
        assert not await tools.answers(port)
        assert bool(backend.lines) == arrives
    assert await tools.works(port)
    client.close()
