"""Runs by the clock: `spec.schedule` is a cron expression (UTC), and each of its times creates one Run."""

from __future__ import annotations

import asyncio
import datetime
import logging

from croniter import croniter

from faultline.api.base import API_VERSION
from faultline.clients.kube import Json, path
from faultline.controller.api import Api
from faultline.controller.labs import Labs
from faultline.errors import Conflict, FaultlineError

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0


async def keep(api: Api, labs: Labs) -> None:
    """For ever: create the Runs whose time came since the last look."""
    since = _now()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        until = _now()
        for lab in list(labs.known.values()):
            moment = due(lab.scenario, since, until)
            if moment:
                await _create(api, lab.scenario, moment)
        since = until


def due(scenario: Json, since: datetime.datetime, until: datetime.datetime) -> datetime.datetime | None:
    """The latest of a Scenario's times after `since` and up to `until`; several missed ones are one run."""
    spec = scenario["spec"]
    schedule = spec.get("schedule")
    if not schedule or spec.get("suspend") or not croniter.is_valid(schedule):
        return None
    last: datetime.datetime = croniter(schedule, until + datetime.timedelta(microseconds=1)).get_prev(datetime.datetime)
    return last if last > since else None


def name_of(scenario: str, moment: datetime.datetime) -> str:
    """The same time always gives the same name, so that no operator creates a run a second time."""
    return f"{scenario}-{moment.strftime('%Y%m%d-%H%M')}-cron"


async def _create(api: Api, scenario: Json, moment: datetime.datetime) -> None:
    name = scenario["metadata"]["name"]
    body = {
        "apiVersion": API_VERSION,
        "kind": "Run",
        "metadata": {"name": name_of(name, moment)},
        "spec": {"scenario": name},
    }
    try:
        await api.create(path("Run"), body)
    except Conflict:
        return  # it is there already
    except FaultlineError as error:
        log.warning("scheduled run of %s: %s", name, error.message)
        await api.event(scenario, "ScheduleMissed", f"{body['metadata']}: {error.message}", "Warning")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
