"""Puts a fault on a real edge, without a plan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from tests.faults.pods import bench

from faultline.faults.base import Fault
from faultline.injector.lab import Lab
from faultline.injector.targets import EdgeTarget

__all__ = ["bench"]
EDGE = "a->b"


@pytest.fixture
def port(lab: Lab) -> int:
    """Where clients of the edge connect."""
    return lab.edges[EDGE].config.loopback[1]


@pytest.fixture
def on(lab: Lab) -> Callable[[Fault], AbstractAsyncContextManager[None]]:
    """`async with on(fault):` has it on, and off again afterwards, twice, as reverting is idempotent."""

    @asynccontextmanager
    async def having(fault: Fault, name: str = "f") -> AsyncIterator[None]:
        target = EdgeTarget(lab.edges[EDGE], lab.firewall, lab.clock, name)
        await fault.apply(target)
        try:
            yield
        finally:
            await fault.revert(target)
            await fault.revert(target)

    return having
