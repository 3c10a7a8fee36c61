"""What an operator that was killed left behind: runs that nobody drives any more, faults that no live run owns."""

from __future__ import annotations

import asyncio
import base64
import logging

from faultline.api.run import Phase
from faultline.clients.injector_api import Injector
from faultline.clients.kube import Json, path
from faultline.controller import deploy
from faultline.controller.api import Api
from faultline.controller.record import Record
from faultline.errors import FaultlineError
from faultline.names import harness_namespace

log = logging.getLogger(__name__)


def interrupted(run: Json) -> bool:
    """Whether somebody began with it and did not finish."""
    return phase_of(run) not in (Phase.QUEUED, Phase.DONE)


def phase_of(run: Json) -> Phase:
    """Queued before anybody wrote a status."""
    return Phase((run.get("status") or {}).get("phase", Phase.QUEUED))


async def give_up(api: Api, run: Json, why: str) -> None:
    """End a run that nobody drives: its faults first, then its status."""
    record = Record(api, run)
    await stop_faults(api, record.scenario, record.name)
    await record.inconclusive([f"{why} during {record.status.phase.value}"])
    await api.event(run, "Done", f"{record.name}: inconclusive ({why})")


async def stop_faults(api: Api, scenario: str, run: str | None = None) -> None:
    """End the faults in one lab, of `run` or of anybody; a lab that is gone has none."""
    try:
        secret = await api.get(path("Secret", deploy.HARNESS_SECRET, harness_namespace(scenario)))
        if secret is None:
            return
        token = base64.b64decode(secret["data"]["token"]).decode()
        async with Injector.of(scenario, token) as injector:
            holder = (await injector.state()).run
            if holder and (run is None or holder == run):
                ended = await injector.stop()
                await injector.end_plan(holder)
                log.warning("faults of %s in %s ended: %s", holder, scenario, ended)
    except FaultlineError as error:
        # An injector that does not answer has no lease either: its faults end by themselves.
        log.warning("sweeping %s: %s", scenario, error.message)


async def sweep(api: Api) -> None:
    """At the start no run is live: whatever plan an injector holds is nobody's."""
    names = [
        each["metadata"]["name"]
        for each in await api.items(path("Scenario"))
        if (each.get("status") or {}).get("deployed")
    ]
    await asyncio.gather(*(stop_faults(api, name) for name in names))
