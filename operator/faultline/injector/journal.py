"""The plan on disk before its first fault, and what became of it: what a restarted injector goes on from.

One JSON object a line; a new plan starts a new file. Toxics need no record of their own: they die with the injector.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from faultline.api.run import FaultStatus
from faultline.injector.plan import Plan

log = logging.getLogger(__name__)


class Replay(NamedTuple):
    """The last plan, when its lease expires, when the last record was written (Unix seconds), and what became of it.

    `intents` has by fault what it was about to do outside this pod, where it outlives the injector.
    """

    plan: Plan
    lease_expires: float
    written: float
    statuses: dict[str, FaultStatus]
    over: bool
    intents: dict[str, dict[str, Any]]


class Journal:
    """Writes in order in a thread of its own, each record synced to disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "journal.jsonl"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")

    async def begin(self, plan: Plan, lease_expires: float, now: float) -> None:
        """Puts a plan on record; returns when it is on disk."""
        records = [{"plan": plan.model_dump(mode="json"), "lease": lease_expires, "at": now}]
        await asyncio.get_running_loop().run_in_executor(self._thread, self._replace, records)

    def lease(self, expires: float, now: float) -> None:
        """Notes that the lease was renewed."""
        self._note({"lease": expires, "at": now})

    def fault(self, status: FaultStatus, now: float) -> None:
        """Notes what became of a fault so far."""
        self._note({"fault": status.model_dump(mode="json"), "at": now})

    async def intent(self, fault: str, state: dict[str, Any], now: float) -> None:
        """Notes what a fault is about to do and what undoing it takes; returns when it is on disk."""
        record = {"intent": fault, "state": state, "at": now}
        await asyncio.get_running_loop().run_in_executor(self._thread, self._append, record)

    async def over(self, now: float) -> None:
        """Notes that the plan has ended and nothing of it may start again; returns when it is on disk."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._append, {"over": True, "at": now})

    def close(self) -> None:
        """Waits for what is still to be written."""
        self._thread.shutdown()

    def replay(self) -> Replay | None:
        """What an injector before this one left; None without a plan on record.

        A last line that was cut off by its death is dropped. Raises ValueError when the file is damaged otherwise.
        """
        if not self.path.exists():
            return None
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)
        records = [json.loads(line) for line in content[:whole].splitlines()]
        if not records:
            return None
        plan = Plan.model_validate(records[0]["plan"])
        statuses = {fault.name: fault.status() for fault in plan.faults}
        for record in records:
            if "fault" in record:
                status = FaultStatus.model_validate(record["fault"])
                statuses[status.name] = status
        lease = [record["lease"] for record in records if "lease" in record][-1]
        over = any("over" in record for record in records)
        intents = {record["intent"]: record["state"] for record in records if "intent" in record}
        return Replay(plan, lease, records[-1]["at"], statuses, over, intents)

    def _note(self, record: dict[str, Any]) -> None:
        self._thread.submit(self._append, record).add_done_callback(_complain)

    def _replace(self, records: list[dict[str, Any]]) -> None:
        fresh = self.path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.writelines(json.dumps(record).encode() + b"\n" for record in records)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _append(self, record: dict[str, Any]) -> None:
        with self.path.open("ab") as file:
            file.write(json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _complain(written: Future[None]) -> None:
    """A fault goes on when its record cannot be written: it is in the plan on disk, and ends by its time or lease."""
    if error := written.exception():
        log.error("the journal cannot be written: %s", error)
