"""none: the control."""

from __future__ import annotations

from typing import Any

from faultline.faults.none import NoFault


async def test_disturbs_nothing(port: int, on: Any, tools: Any) -> None:
    async with on(NoFault()):
        assert await tools.works(port)
