"""What the clients of the harness share: a bearer token, bounded calls, errors that name the call and the answer."""

from __future__ import annotations

import json
import os
from types import TracebackType
from typing import Any, Self

import aiohttp

from faultline.errors import Unreachable

SERVICE_URL = "http://{service}.{namespace}.svc.cluster.local:{port}"
CALL_SECONDS = 3.0


def service_url(service: str, namespace: str, port: int) -> str:
    """Where a Service listens; FAULTLINE_SERVICE_URL has another pattern for an operator outside the cluster."""
    pattern = os.environ.get("FAULTLINE_SERVICE_URL", SERVICE_URL)
    return pattern.format(service=service, namespace=namespace, port=port)


class Refused(Unreachable):
    """The service answered, with a `status` that is not a success; `body` is its JSON object, if it sent one."""

    def __init__(self, where: str, status: int, raw: bytes) -> None:
        text = raw[:600].decode(errors="replace")
        super().__init__("FL621", f"{where} answered {status}: {text}", "kubectl logs of the pod that answered")
        self.status = status
        self.body: dict[str, Any] = _json_object(raw)


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:  # a plain text answer: `message` has it
        return {}
    return found if isinstance(found, dict) else {}


class Http:
    """Calls on one base URL. Use it as an async context manager. Raises Unreachable (FL620, FL621)."""

    def __init__(self, base_url: str, token: str = "") -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def call(self, method: str, path: str, body: Any = None, *, seconds: float = CALL_SECONDS) -> Any:
        """One call; the decoded JSON of a successful answer, None when it is empty."""
        raw = await self._send(method, path, body, seconds)
        return json.loads(raw) if raw.strip() else None

    async def download(self, path: str, *, seconds: float) -> bytes:
        """The body of a GET as it is."""
        return await self._send("GET", path, None, seconds)

    async def _send(self, method: str, path: str, body: Any, seconds: float) -> bytes:
        if self._session is None:
            raise RuntimeError("use the client as an async context manager")
        where = f"{method} {self.base_url}{path}"
        bound = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._session.request(method, self.base_url + path, json=body, timeout=bound) as reply:
                raw = await reply.read()
        except TimeoutError as error:
            raise Unreachable("FL620", f"{where} did not answer within {seconds:g} s", "make doctor") from error
        except aiohttp.ClientError as error:
            raise Unreachable("FL620", f"{where} failed: {error!r}", "make doctor") from error
        if reply.status >= 400:
            raise Refused(where, reply.status, raw)
        return raw
