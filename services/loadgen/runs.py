"""The control process' side of a run: measure the canary, start Locust's process, follow what it says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import traceback
from asyncio.subprocess import PIPE, Process
from http.client import HTTPException
from pathlib import Path
from typing import Any

from loadgen import canary
from loadgen.board import Board
from loadgen.plan import Plan

LIVE = ("preparing", "ready", "running", "draining", "final_reads")
LINE_LIMIT = 4 * 1024 * 1024
"""Most bytes in one line from Locust's process: the results of many operations come in one."""


class Run:
    """One run, from PUT to DELETE. It stays readable after its process is gone."""

    def __init__(self, name: str, plan: Plan, folder: Path) -> None:
        self.name = name
        self.plan = plan
        self.state = "preparing"
        self.error: str | None = None
        self.canary: canary.Canary | None = None
        self.health: dict[str, float] = {}
        self.results: dict[str, Any] | None = None
        self.board: Board | None = None
        self.history = folder / "history.jsonl.gz"
        self._folder = folder
        self._process: Process | None = None
        self._task = asyncio.create_task(self._follow())

    @property
    def live(self) -> bool:
        """Whether it is under way."""
        return self.state in LIVE

    def status(self) -> dict[str, Any]:
        """What GET answers."""
        return {
            "state": self.state,
            "error": self.error,
            "canary": self.canary._asdict() if self.canary else None,
            "health": self.health,
            "counts": self.board.counts() if self.board else {},
            "faults": {fault: self.board.counts(fault) for fault in self.board.faults} if self.board else {},
        }

    async def start(self, mark: float) -> None:
        """Let the load begin at `mark` (Unix seconds). To be called in state ready, once."""
        stdin = self._process.stdin if self._process else None
        if stdin is None:
            raise RuntimeError(f"run {self.name} has no process to start")
        self.state = "running"
        stdin.write(json.dumps({"start": mark}).encode() + b"\n")
        await stdin.drain()

    async def stop(self) -> None:
        """End it at once."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _follow(self) -> None:
        try:
            if self.plan.canary:
                self.canary = await asyncio.to_thread(canary.measure, self.plan.canary)
            await self._run_process()
        except (OSError, HTTPException) as error:
            self._fail(f"preparing the run failed: {error!r}")
        except Exception:  # Whatever it is, whoever waits for this run has to learn of it.
            self._fail(traceback.format_exc())
        finally:
            await self._end_process()

    async def _run_process(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        (self._folder / "plan.json").write_text(self.plan.model_dump_json())
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "loadgen.child", str(self._folder)), stdin=PIPE, stdout=PIPE, limit=LINE_LIMIT
        )
        assert self._process.stdout  # noqa: S101 (PIPE was asked for)
        async for line in self._process.stdout:
            self._hear(json.loads(line))
        code = await self._process.wait()
        if self.live:
            self._fail(f"Locust's process ended with code {code} while the run was {self.state}")

    def _hear(self, message: dict[str, Any]) -> None:
        self.health |= message.get("health", {})
        if "ops" in message:
            self.board = Board(self._folder / "board", message["ops"], [fault.name for fault in self.plan.faults])
        if "recovery" in message:
            self.results = message
        if message.get("state") == "failed":
            self._fail(message["error"])
        else:
            self.state = message.get("state", self.state)

    def _fail(self, error: str) -> None:
        self.state, self.error = "failed", error

    async def _end_process(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
