"""An injector in a process of its own, which tests kill, and a clock that they move."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.preloaded import Forked

from faultline.injector.clock import Clock
from faultline.injector.config import Config


class Moving(Clock):
    """A clock that tests move."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@pytest.fixture
def clock() -> Moving:
    return Moving()


class Injector:
    """An injector in a process of its own."""

    def __init__(self, config: Config, folder: Path, tools: Any) -> None:
        self._tools = tools
        self.config = config
        self._edges = folder / "edges.json"
        self._edges.write_text(json.dumps([edge.model_dump() for edge in config.edges]))
        self.process: Forked | subprocess.Popen[bytes] | None = None
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {config.token}"})

    async def start(self, plain: bool = False) -> None:
        """Until it answers. `plain` starts Python for it; else it is forked off one that has imported it already."""
        environment = {
            "FAULTLINE_EDGES": str(self._edges),
            "FAULTLINE_TOKEN": self.config.token,
            "FAULTLINE_JOURNAL_DIR": str(self.config.journal_dir),
            "FAULTLINE_TOXIPROXY": self.config.toxiproxy,
            "FAULTLINE_LISTEN": self.config.listen,
        }
        if plain:
            everything = os.environ | environment | {"PYTHONPATH": str(Path(__file__).parents[2] / "operator")}
            command = [sys.executable, "-m", "faultline.injector"]
            self.process = await asyncio.to_thread(subprocess.Popen, command, env=everything)
        else:
            self.process = Forked("faultline.injector.__main__", environment=environment)
        await self._tools.until(self.healthy, pause=0.05)

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
            await asyncio.to_thread(self.process.wait)

    async def close(self) -> None:
        await self.kill()
        await self._session.close()


@pytest.fixture
async def injector(config: Config, tmp_path: Path, tools: Any) -> AsyncIterator[Injector]:
    """An injector that a test can kill."""
    one = Injector(config, tmp_path, tools)
    try:
        await one.start()
        yield one
    finally:
        await one.close()
