"""One operator at a time: a Lease in the operator's namespace, taken before anything is done and renewed since."""

from __future__ import annotations

import asyncio
import datetime
import logging

from faultline.clients.kube import Json, path
from faultline.controller.api import Api
from faultline.errors import Conflict, FaultlineError

log = logging.getLogger(__name__)

NAME = "operator"
DURATION_SECONDS = 15
RENEW_SECONDS = 3.0
WAIT_SECONDS = 1.0


class LostLease(Exception):
    """Another operator took over, or the API server was away for longer than the Lease lasts."""


class Leader:
    """`identity` is this process; a restarted container of the same pod is the same one and goes on at once."""

    def __init__(self, api: Api, namespace: str, identity: str) -> None:
        self._api = api
        self._namespace = namespace
        self._identity = identity

    async def acquire(self) -> None:
        """Wait until the Lease is free, and take it."""
        told = False
        while not await self._try():
            if not told:
                log.info("another operator holds the Lease; waiting")
            told = True
            await asyncio.sleep(WAIT_SECONDS)

    async def hold(self) -> None:
        """Renew for ever. Raises LostLease."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                held = await self._try()
            except FaultlineError as error:
                log.warning("the Lease was not renewed: %s", error.message)
                if loop.time() - renewed > DURATION_SECONDS:
                    raise LostLease("the API server does not answer") from error
                continue
            if not held:
                raise LostLease("another operator has taken it")
            renewed = loop.time()

    async def release(self) -> None:
        """Let the next operator start at once."""
        lease = await self._api.get(path("Lease", NAME, self._namespace))
        if lease and lease["spec"].get("holderIdentity") == self._identity:
            lease["spec"]["holderIdentity"] = ""
            await self._api.replace(path("Lease", NAME, self._namespace), lease)

    async def _try(self) -> bool:
        where = path("Lease", NAME, self._namespace)
        lease = await self._api.get(where)
        now = datetime.datetime.now(datetime.UTC)
        if lease and not free(lease, self._identity, now):
            return False
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION_SECONDS,
            "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        try:
            if lease:
                await self._api.replace(where, {**lease, "spec": {**lease["spec"], **spec}})
            else:
                body = {"metadata": {"name": NAME, "namespace": self._namespace}, "spec": spec}
                await self._api.create(path("Lease", namespace=self._namespace), body)
        except Conflict:
            return False  # another operator was quicker; the next look shows who
        return True


def free(lease: Json, identity: str, now: datetime.datetime) -> bool:
    """Whether `identity` may take the Lease: its own, nobody's, or run out."""
    spec = lease.get("spec") or {}
    if spec.get("holderIdentity") in (None, "", identity):
        return True
    renewed = datetime.datetime.fromisoformat(spec["renewTime"])
    return now - renewed > datetime.timedelta(seconds=spec.get("leaseDurationSeconds", DURATION_SECONDS))
