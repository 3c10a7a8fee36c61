"""failover: nobody takes writes until a replica does, through the same edges; the next reset fails back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests import servers
from tests.conftest import BUSY_SECONDS
from tests.stores import SEED, Stores

from faultline.injector.config import Config, EdgeConfig
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan

pytestmark = pytest.mark.e2e


@pytest.fixture
async def pair(config: Config, ports: Any, tmp_path: Path) -> AsyncIterator[Stores]:
    """A primary and a replica of its own, the replication and a client by edges."""
    primary, replica, *others = ports.free(6)
    edges = [
        EdgeConfig(name=name, listen=f"127.0.0.1:{listen}", api=api, upstream=f"127.0.0.1:{primary}")
        for name, listen, api in (("web->postgres", *others[:2]), ("primary->replica", *others[2:]))
    ]
    changes = {
        "edges": edges,
        "postgres": f"127.0.0.1:{primary}",
        "postgres_replica": f"127.0.0.1:{replica}",
        "postgres_replicas": 1,
        "postgres_admin_password": servers.ADMIN,
    }
    stores = Stores(config.model_copy(update=changes), tmp_path / "journals")
    with contextlib.ExitStack() as stack:
        async with Lab(stores.config):
            await asyncio.to_thread(
                stack.enter_context, servers.postgres_primary(primary, SEED, source=edges[1].loopback[1])
            )
            await asyncio.to_thread(stack.enter_context, servers.postgres_replica(replica, edges[1].loopback[1]))
        yield stores


async def write(stores: Stores, note: str, seconds: float = 1.0) -> bool:
    """Whether a write by the edge is accepted; `seconds` is what a connection may take."""
    host, port = stores.config.edges[0].loopback
    try:
        client = await asyncpg.connect(
            host=host, port=port, user="app", password="app", database="lab", timeout=seconds
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    try:
        await client.execute("UPDATE orders SET note = $1 WHERE id = 3", note)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    finally:
        client.terminate()
    return True


async def follows(stores: Stores, server: str, note: str) -> bool:
    """Whether a server is a replica and has that write."""
    try:
        async with stores.client(server) as client:
            return bool(
                await client.fetchval("SELECT pg_is_in_recovery() AND note = $1 FROM orders WHERE id = 3", note)
            )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


async def load(lab: Lab, seconds: float, detection: str = "1s") -> None:
    async with asyncio.timeout(BUSY_SECONDS):
        while await lab.problems():  # noqa: ASYNC110 it looks afresh each time
            await asyncio.sleep(0.1)
    now = time.time()
    fault = {"name": "f", "type": "failover", "start": now + 4, "end": now + 4 + seconds}
    fault["params"] = {"detection": detection}
    await lab.runner.load(Plan.model_validate({"run": "r", "lease_seconds": 60, "faults": [fault]}))


async def test_a_replica_takes_over_the_old_primary_follows_and_a_reset_fails_back(pair: Stores, tools: Any) -> None:
    async with Lab(pair.config) as lab:
        assert await write(pair, "before", BUSY_SECONDS)
        await load(lab, seconds=25, detection="3s")
        await tools.until(lambda: lab.runner.statuses[0].applied)
        assert not await write(pair, "lost")
        await tools.until(lambda: write(pair, "after"))
        await tools.until(lambda: lab.runner.statuses[0].cleared)
        [status] = await lab.runner.forget("r")
        assert status.error == ""
        assert status.observed
        assert status.depth
        assert 0.05 < status.depth < 0.9
        assert status.target == servers.REPLICA
        await tools.until(lambda: follows(pair, "primary", "after"))

        await lab.reset()
        assert await write(pair, "anew", BUSY_SECONDS)
        await tools.until(lambda: follows(pair, "replica", "anew"))
        async with pair.client() as client:
            assert await client.fetchval("SELECT note FROM orders WHERE id = 4") == "a note"


async def test_an_injector_that_comes_back_finds_who_leads(pair: Stores, tools: Any) -> None:
    async with Lab(pair.config) as lab:
        await load(lab, seconds=60)
        await tools.until(lambda: lab.runner.statuses[0].target)
        assert await write(pair, "during", BUSY_SECONDS)
    pair.config.journal_dir.joinpath("journal.jsonl").unlink()
    async with Lab(pair.config) as lab:
        # Another pod knows nothing of it: it fails back at once.
        await tools.until(lambda: follows(pair, "replica", "during"))
        assert await write(pair, "after", BUSY_SECONDS)


async def test_ended_before_the_promotion_it_is_completed(pair: Stores, tools: Any) -> None:
    async with Lab(pair.config) as lab:
        await load(lab, seconds=60, detection="50s")
        await tools.until(lambda: lab.runner.statuses[0].applied)
        await lab.runner.stop()
        await tools.until(lambda: write(pair, "after"))
