"""What an operator that was killed left behind: runs that nobody drives any more, faults that no live run owns."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Container

from faultline.api.run import FaultStatus, Phase
from faultline.clients.injector_api import Injector
from faultline.clients.kube import Json, path
from faultline.controller import deploy
from faultline.controller.api import Api
from faultline.controller.record import Record
from faultline.errors import FaultlineError, Unreachable
from faultline.names import harness_namespace

log = logging.getLogger(__name__)


def interrupted(run: Json) -> bool:
    """Whether somebody began with it and did not finish."""
    return phase_of(run) not in (Phase.QUEUED, Phase.DONE)


def phase_of(run: Json) -> Phase:
    """Queued before anybody wrote a status."""
    return Phase((run.get("status") or {}).get("phase", Phase.QUEUED))


async def give_up(api: Api, run: Json, why: str) -> None:
    """End a run that nobody drives: its faults first, whose last times are kept, then its status."""
    record = Record(api, run)
    await record.faults(await end_faults(api, record.scenario, {record.name}))
    await record.inconclusive([f"{why} during {record.status.phase.value}"])
    await api.event(run, "Done", f"{record.name}: inconclusive ({why})")


async def end_faults(api: Api, scenario: str, forget: Container[str]) -> list[FaultStatus]:
    """End all faults in one lab; the last word on them when their run is one of `forget`, whose plan then goes.

    A lab that is gone has no faults.
    """
    try:
        secret = await api.get(path("Secret", deploy.HARNESS_SECRET, harness_namespace(scenario)))
        if secret is None:
            return []
        async with Injector.of(scenario, base64.b64decode(secret["data"]["token"]).decode()) as injector:
            holder = await _holder(injector)
            if not holder:
                return []
            if ended := await injector.stop():
                log.warning("faults of %s in %s ended: %s", holder, scenario, ", ".join(ended))
            return await injector.end_plan(holder) if holder in forget else []
    except FaultlineError as error:
        # An injector that does not answer has no lease either: its faults end by themselves.
        log.warning("sweeping %s: %s", scenario, error.message)
        return []


async def _holder(injector: Injector) -> str | None:
    """Whose plan it holds."""
    try:
        return (await injector.state()).run
    except Unreachable as error:
        if error.code != "FL627":
            raise
        # Whatever it holds, it understands a stop.
        return "a run of another version"


async def sweep(api: Api) -> None:
    """At the start no run is live: the faults of any plan that an injector holds end.

    The plans of runs that are still to be given up stay until then, for their record.
    """
    scenarios = [each for each in await api.items(path("Scenario")) if (each.get("status") or {}).get("deployed")]
    kept = {each["metadata"]["name"] for each in await api.items(path("Run")) if interrupted(each)}
    names = [each["metadata"]["name"] for each in scenarios]
    await asyncio.gather(*(end_faults(api, name, _AllBut(kept)) for name in names))


class _AllBut:
    """Every name but those of a set."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def __contains__(self, name: object) -> bool:
        return name not in self._names
