"""A Run's status while it is under way: what is written is what is kept, and it is written before the act."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from faultline.api.run import FaultStatus, Phase, PhaseTimes, RunStatus
from faultline.clients.kube import Json, path
from faultline.controller.api import Api, patiently

log = logging.getLogger(__name__)

MESSAGE_LENGTH = 500
REASONS = 20
REASON_LENGTH = 1000
"""20 reasons of this length and 40 objectives with their queries stay within the 64 KiB of a status."""


class Record:
    """One Run's status. Every change goes to the API server at once."""

    def __init__(self, api: Api, run: Json) -> None:
        self._api = api
        self.run = run
        self.status = RunStatus.model_validate(run.get("status") or {})

    @property
    def name(self) -> str:
        """Of the Run."""
        return str(self.run["metadata"]["name"])

    @property
    def scenario(self) -> str:
        """Name of the Scenario object that it grades."""
        return str(self.run["spec"]["scenario"])

    async def write(self, **changes: Any) -> None:
        """Change fields of the status. Raises NotFound when the Run was deleted.

        What is held out goes into the Run only with its end.
        """
        self.status = self.status.model_copy(update=_bounded(changes))
        dumped = _told(self.status).model_dump(mode="json", by_alias=True, exclude_none=True)
        await self._api.set_status(path("Run", self.name), dumped)

    async def enter(self, phase: Phase, message: str = "", at: float | None = None, **changes: Any) -> None:
        """The phase before ends and `phase` begins, now or at a planned time (Unix seconds).

        The end waits for an API server that is away: what comes later writes that there is none, and the score is lost.
        """
        now = time.time() if at is None else at
        phases = [each if each.end is not None else each.model_copy(update={"end": now}) for each in self.status.phases]
        if phase is not Phase.DONE:
            phases.append(PhaseTimes(name=phase.value, start=now))
        log.info("run %s: %s", self.name, phase.value)
        write = partial(self.write, phase=phase, message=message, phases=phases, **changes)
        await (patiently(write) if phase is Phase.DONE else write())

    async def faults(self, found: list[FaultStatus]) -> None:
        """What the injector says of the faults, where it is news."""
        if found and found != self.status.faults:
            await self.write(faults=found)

    async def inconclusive(self, reasons: list[str]) -> None:
        """The end, without a score."""
        await self.enter(
            Phase.DONE, reasons[0] if reasons else "", ended=time.time(), verdict="inconclusive", reasons=reasons
        )


def _told(status: RunStatus) -> RunStatus:
    if status.phase is Phase.DONE:
        return status
    return status.model_copy(update={"faults": [each for each in status.faults if not each.held_out]})


def _bounded(changes: dict[str, Any]) -> dict[str, Any]:
    if "message" in changes:
        changes["message"] = str(changes["message"])[:MESSAGE_LENGTH]
    if "reasons" in changes:
        changes["reasons"] = [str(each)[:REASON_LENGTH] for each in changes["reasons"][:REASONS]]
    return changes
