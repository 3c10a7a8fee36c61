"""kopf's handlers: they translate watch events and leave the rest to the operator's own tasks.

Nothing runs inside a handler: kopf would delay deletions until it returned, and run it again after a restart.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import kopf

from faultline.api.base import GROUP, VERSION
from faultline.clients.kube import ANSWER_SECONDS, CONNECT_SECONDS, Kube
from faultline.controller.operator import Operator
from faultline.controller.settings import Settings

BACKOFFS = (1.0,) * 54


@kopf.on.startup()
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """Connect and begin."""
    given = Settings.from_environment()
    logging.getLogger("faultline").setLevel(given.log_level.upper())
    for chatty in ("kopf.objects", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Only our own objects are watched, nothing is written into them, and events are our own affair.
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.watching.server_timeout = 300
    # An API server that hangs may not make the operator deaf for the five minutes that kopf would wait for a list.
    settings.watching.connect_timeout = CONNECT_SECONDS
    settings.networking.connect_timeout = CONNECT_SECONDS
    settings.networking.request_timeout = ANSWER_SECONDS
    # Asked again each second, for as long as kopf would in ever longer steps: one that is back has work for us at once.
    settings.networking.error_backoffs = BACKOFFS
    memo.operator = Operator(await asyncio.to_thread(Kube.connect), given)
    memo.operator.start()


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """End in order."""
    await memo.operator.stop()


@kopf.on.event(GROUP, VERSION, "scenarios")
async def scenario_seen(event: kopf.RawEvent, body: kopf.Body, name: str, memo: kopf.Memo, **_: Any) -> None:
    """A Scenario came, changed or went."""
    if event["type"] == "DELETED" or body.metadata.get("deletionTimestamp"):
        memo.operator.runs.scenario_gone(name)
        memo.operator.labs.gone(name)
    else:
        memo.operator.labs.see(plain(body))


@kopf.on.event(GROUP, VERSION, "runs")
async def run_seen(event: kopf.RawEvent, body: kopf.Body, name: str, memo: kopf.Memo, **_: Any) -> None:
    """A Run came, changed or went."""
    if event["type"] == "DELETED" or body.metadata.get("deletionTimestamp"):
        memo.operator.runs.gone(name)
    else:
        memo.operator.runs.see(plain(body))


def plain(body: Any) -> Any:
    """kopf's live view of an object, as a copy that stays as it is."""
    if hasattr(body, "items"):
        return {key: plain(value) for key, value in body.items()}
    return [plain(each) for each in body] if isinstance(body, list | tuple) else body
