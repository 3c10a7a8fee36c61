"""Puts a fault on a real edge, without a plan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from tests import servers
from tests.faults.stores import SEED, Stores

from faultline.faults.base import Fault
from faultline.injector.config import Config
from faultline.injector.lab import Lab
from faultline.injector.targets import EdgeTarget

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


@pytest.fixture(scope="session")
def postgres_ports() -> Iterator[tuple[int, int]]:
    """Of a primary and its replica."""
    with servers.postgres(SEED) as found:
        yield found


@pytest.fixture(scope="session")
def redis_port() -> Iterator[int]:
    """Of a Redis server."""
    with servers.redis() as found:
        yield found


@pytest.fixture
def postgres(config: Config, postgres_ports: tuple[int, int], tmp_path: Path) -> Stores:
    """A primary and its replica. For tests marked e2e."""
    primary, replica = postgres_ports
    changes = {
        "postgres": f"127.0.0.1:{primary}",
        "postgres_replica": f"127.0.0.1:{replica}",
        "postgres_replicas": 1,
        "postgres_admin_password": servers.ADMIN,
    }
    return Stores(config.model_copy(update=changes), tmp_path / "journals")


@pytest.fixture
def redis(config: Config, redis_port: int, tmp_path: Path) -> Stores:
    """A Redis server. For tests marked e2e."""
    changes = {"redis": f"127.0.0.1:{redis_port}", "redis_maxmemory": "64mb"}
    return Stores(config.model_copy(update=changes), tmp_path / "journals")
