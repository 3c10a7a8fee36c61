"""A whole injector, in this process or as its own, over real Toxiproxy processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from faultline.injector.config import Config, EdgeConfig
from faultline.injector.lab import Lab

TOKEN = "a-token-of-the-tests"
EDGES = ("client->a", "a->b")


async def until(condition: Callable[[], Awaitable[Any] | Any], seconds: float = 5.0) -> Any:
    """Polls until `condition` gives something true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds}s"
        await asyncio.sleep(0.005)


class Client:
    """A connection through an edge."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, line: bytes = b"ping") -> tuple[bytes, float]:
        """The answer's line and how long it took."""
        started = time.monotonic()
        self.writer.write(line + b"\n")
        answer = await self.reader.readline()
        return answer, time.monotonic() - started

    async def answers(self, seconds: float = 0.3) -> bool:
        """Whether an answer comes within that time."""
        try:
            async with asyncio.timeout(seconds):
                return (await self.ask())[0] == b"pong\n"
        except (TimeoutError, OSError):
            return False

    def close(self) -> None:
        self.writer.transport.abort()


async def answers(port: int, seconds: float = 0.3) -> bool:
    """Whether a new connection to `port` gets an answer within that time."""
    try:
        client = await Client.open(port)
    except OSError:
        return False
    try:
        return await client.answers(seconds)
    finally:
        client.close()


@pytest.fixture
def tools() -> type:
    """The helpers above."""
    return type("Tools", (), {"until": staticmethod(until), "Client": Client, "answers": staticmethod(answers)})


@pytest.fixture
def config(toxiproxy: str, backend: Any, ports: Any, tmp_path: Path) -> Config:
    found = ports.free(2 * len(EDGES) + 1)
    edges = [
        EdgeConfig(name=name, listen=f"127.0.0.1:{found[2 * i]}", api=found[2 * i + 1], upstream=backend.address)
        for i, name in enumerate(EDGES)
    ]
    return Config(
        edges=edges, token=TOKEN, journal_dir=tmp_path / "journal", toxiproxy=toxiproxy, listen=f"127.0.0.1:{found[-1]}"
    )


@pytest.fixture
async def lab(config: Config) -> AsyncIterator[Lab]:
    """An injector in this process."""
    async with Lab(config) as one:
        yield one


class Injector:
    """An injector in a process of its own."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self._edges = folder / "edges.json"
        self._edges.write_text(json.dumps([edge.model_dump() for edge in config.edges]))
        self.process: asyncio.subprocess.Process | None = None
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})

    async def start(self) -> None:
        environment = os.environ | {
            "PYTHONPATH": str(Path(__file__).parents[2] / "operator"),
            "FAULTLINE_EDGES": str(self._edges),
            "FAULTLINE_TOKEN": TOKEN,
            "FAULTLINE_JOURNAL_DIR": str(self.config.journal_dir),
            "FAULTLINE_TOXIPROXY": self.config.toxiproxy,
            "FAULTLINE_LISTEN": self.config.listen,
        }
        self.process = await asyncio.create_subprocess_exec(sys.executable, "-m", "faultline.injector", env=environment)
        await until(self.healthy, 20)

    async def healthy(self) -> bool:
        try:
            return (await self.call("GET", "/healthz"))[0] == 200
        except aiohttp.ClientConnectionError:
            return False

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._session.request(method, f"http://{self.config.listen}{path}", json=body) as answer:
            return answer.status, await answer.json()

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def terminate(self) -> None:
        await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> None:
        if self.process and self.process.returncode is None:
            self.process.send_signal(number)
            await self.process.wait()

    async def close(self) -> None:
        await self.kill()
        await self._session.close()


@pytest.fixture
async def injector(config: Config, tmp_path: Path) -> AsyncIterator[Injector]:
    """An injector that a test can kill."""
    one = Injector(config, tmp_path)
    try:
        await one.start()
        yield one
    finally:
        await one.close()
