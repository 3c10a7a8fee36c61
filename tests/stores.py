"""Puts faults on real data stores, without a plan."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from faultline.faults import FAULTS
from faultline.faults.base import Fault
from faultline.injector.clock import Clock
from faultline.injector.config import Config, split
from faultline.injector.journal import Journal
from faultline.injector.plan import PlannedFault
from faultline.injector.record import Record
from faultline.injector.targets import PostgresTarget, RedisTarget

REPO = Path(__file__).parents[1]

SEED = """
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, note text);
INSERT INTO orders SELECT id, id % 1000, 'a note' FROM generate_series(1, 20000) id;
CREATE INDEX orders_customer ON orders (customer);
"""


class Stores:
    """The servers' addresses, and faults put on them."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self._folder = folder
        self._count = 0

    def target(self, fault: Fault, seconds: float = 300.0, name: str = "") -> Any:
        """What the injector would give the fault: planned to begin now."""
        self._count += 1
        now = time.time()
        name = name or f"f{self._count}"
        kind_name = next(each for each, kind in FAULTS.items() if type(fault) is kind)
        planned = PlannedFault(
            name=name,
            type=kind_name,
            start=now,
            end=now + seconds,
            seed=7,
            params=fault.model_dump(mode="json", by_alias=True),
        )
        clock = Clock()
        record = Record({name: planned.status()}, Journal(self._folder / str(self._count)), clock)
        kind = PostgresTarget if fault.family == "postgres" else RedisTarget
        made = kind(planned, record, clock, asyncio.Event(), self.config)
        made.record = record
        return made

    @asynccontextmanager
    async def on(self, fault: Any, seconds: float = 300.0) -> AsyncIterator[Any]:
        """Has a fault on; afterwards it is reverted twice, as that is safe to do again."""
        target = self.target(fault, seconds)
        try:
            await fault.apply(target)
            yield target
            await fault.revert(target)
            await fault.revert(target)
        finally:
            await target.close()

    async def connect(self, server: str = "primary", user: str = "app") -> Any:
        """A client's connection to database `lab`."""
        host, port = split((self.config.postgres if server == "primary" else self.config.postgres_replica) or "")
        password = "app" if user == "app" else self.config.postgres_admin_password
        return await asyncpg.connect(host=host, port=port, user=user, password=password, database="lab", timeout=60)

    @asynccontextmanager
    async def client(self, server: str = "primary", user: str = "app") -> AsyncIterator[Any]:
        """The same, closed at the end."""
        connection = await self.connect(server, user)
        try:
            yield connection
        finally:
            connection.terminate()

    @asynccontextmanager
    async def redis(self, seconds: float = 60.0) -> AsyncIterator[Redis]:
        """A client of Redis, which waits so long for an answer."""
        host, port = split(self.config.redis or "")
        once = Retry(NoBackoff(), 0)
        client = Redis(host=host, port=port, socket_timeout=seconds, retry=once, decode_responses=True)
        try:
            yield client
        finally:
            await client.aclose()

    @asynccontextmanager
    async def in_a_process(self, type: str, **params: Any) -> AsyncIterator[asyncio.subprocess.Process]:
        """Has a fault on in a process of its own, which a test may kill."""
        given = json.dumps({"config": self.config.model_dump(mode="json"), "type": type, "params": params})
        path = os.pathsep.join([str(REPO), str(REPO / "operator")])
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.stores",
            given,
            str(self._folder),
            env=os.environ | {"PYTHONPATH": path},
            stdout=asyncio.subprocess.PIPE,
            cwd=REPO,
        )
        try:
            assert process.stdout
            assert await asyncio.wait_for(process.stdout.readline(), 180) == b"on\n"
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def hold(given: dict[str, Any], folder: Path) -> None:
    """Puts a fault on, says so, and waits to be killed."""
    stores = Stores(Config.model_validate(given["config"]), folder / "process")
    fault: Any = FAULTS[given["type"]].model_validate(given["params"])
    async with stores.on(fault):
        sys.stdout.write("on\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def felt(fault: Any, target: Any, wanted: bool, seconds: float = 60.0) -> float:
    """Asks as the prover does until the fault is felt, or is not."""
    deadline = time.monotonic() + seconds
    while True:
        found = await fault.felt(target)
        if found is not None and bool(found) == wanted:
            return float(found)
        assert time.monotonic() < deadline, f"{fault!r} is felt as {found} for {seconds:g} s"
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(hold(json.loads(sys.argv[1]), Path(sys.argv[2])))
