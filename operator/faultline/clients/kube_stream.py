"""The Kubernetes API without blocking, for the dashboard: watches, port-forwards, and the few plain calls it makes.

It reads the pod's service account by itself, since the `kubernetes` package would take half of the dashboard's memory.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from faultline.clients.kube_objects import JSON, MERGE_PATCH, Json, checked
from faultline.errors import FaultlineError, NotReady, Unreachable

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ANSWER_SECONDS = 10.0
WATCH_SECONDS = 240
"""How long one watch is kept; the API server ends it then, and the next one goes on from there."""
BEHIND_SECONDS = 1.0
GONE = 410

log = logging.getLogger(__name__)


class KubeStream:
    """One API server. Use it as an async context manager. Calls raise Unreachable (FL603) when it does not answer.

    `headers` is asked before each call: the token of a service account changes while the pod lives.
    """

    def __init__(
        self, host: str, tls: ssl.SSLContext | None = None, headers: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self._host = host.rstrip("/")
        self._tls = tls
        self._headers = headers
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def in_cluster(cls) -> Self:
        """The cluster that this pod runs in. Raises NotReady (FL302) outside of one."""
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
        if not host or not (ACCOUNT / "token").is_file():
            raise NotReady("FL302", "this process runs in no cluster", "make up: the chart starts the dashboard")
        literal = f"[{host}]" if ":" in host else host
        return cls(
            f"https://{literal}:{port}",
            ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt")),
            lambda: {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}"},
        )

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True)
        self._session = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session."""
        if self._session is None:
            raise RuntimeError("use the client as an async context manager")
        return self._session

    async def get(self, where: str) -> Json | None:
        """An object, or None when there is none of that name."""
        status, body = await self._call("GET", where)
        return None if status == 404 else checked(status, body)

    async def items(self, where: str, labels: str = "") -> list[Json]:
        """The objects of a list; empty where the kind is not installed."""
        status, body = await self._call("GET", where, query={"labelSelector": labels} if labels else None)
        return [] if status == 404 else list(checked(status, body).get("items") or [])

    async def create(self, where: str, body: Json) -> Json:
        """Create an object in the list at `where`. Raises Conflict (FL404) when the name is taken."""
        return checked(*await self._call("POST", where, body))

    async def replace(self, where: str, body: Json) -> Json:
        """Replace an object. Raises Conflict (FL404) when it changed since its resourceVersion was read."""
        return checked(*await self._call("PUT", where, body))

    async def patch(self, where: str, body: Json) -> Json:
        """Change an object by a JSON merge patch."""
        return checked(*await self._call("PATCH", where, body, content_type=MERGE_PATCH))

    async def delete(self, where: str) -> bool:
        """Delete an object, its dependents in the background; False when it was not there."""
        status, body = await self._call("DELETE", where, query={"propagationPolicy": "Background"})
        if status == 404:
            return False
        checked(status, body)
        return True

    async def _call(
        self,
        method: str,
        where: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
    ) -> tuple[int, Any]:
        try:
            async with self.session.request(
                method,
                self._host + where,
                params=query,
                data=None if body is None else json.dumps(body),
                headers={**self._headers(), "Content-Type": content_type},
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            ) as reply:
                return reply.status, await reply.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable("FL603", f"the API server does not answer: {error!r}", "make doctor") from error

    async def watch(self, where: str, labels: str = "") -> AsyncIterator[tuple[str, Json]]:
        """What happens to the objects of a list, for ever: ("LIST", the whole list) first and whenever some events may
        have been missed, then ("ADDED" | "MODIFIED" | "DELETED", object). It waits and lists again on an error.
        """
        while True:
            try:
                async for event in self._watch_once(where, labels):
                    yield event
            except (FaultlineError, aiohttp.ClientError, TimeoutError, ValueError) as error:
                log.warning("watching %s is interrupted: %r", where, error)
            await asyncio.sleep(BEHIND_SECONDS)

    async def _watch_once(self, where: str, labels: str) -> AsyncIterator[tuple[str, Json]]:
        selector = {"labelSelector": labels} if labels else {}
        status, body = await self._call("GET", where, query=selector)
        listed = {"items": []} if status == 404 else checked(status, body)
        yield "LIST", listed
        version = (listed.get("metadata") or {}).get("resourceVersion", "")
        while version:
            query = {**selector, "watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
            async for kind, found in self._events(where, query):
                if kind == "ERROR":
                    if found.get("code") == GONE:
                        return
                    checked(int(found.get("code") or 500), found)
                version = found["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    yield kind, found

    async def _events(self, where: str, query: Mapping[str, str]) -> AsyncIterator[tuple[str, Json]]:
        async with self.session.get(
            self._host + where,
            params={**query, "timeoutSeconds": str(WATCH_SECONDS)},
            headers=self._headers(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_SECONDS, sock_read=WATCH_SECONDS + 30),
        ) as reply:
            if reply.status >= 400:
                checked(reply.status, await reply.json(content_type=None))
            async for line in _lines(reply.content):
                event = json.loads(line)
                yield str(event["type"]), event["object"]

    async def forward(self, namespace: str, pod: str, port: int) -> aiohttp.ClientWebSocketResponse:
        """A connection to `port` on the loopback of a pod: binary messages, see `Channel`.

        Raises Unreachable (FL606) when the pod cannot be reached.
        """
        where = f"{self._host}/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}"
        try:
            return await self.session.ws_connect(
                where,
                headers=self._headers(),
                protocols=["v4.channel.k8s.io"],
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable("FL606", f"{pod} in {namespace} cannot be reached: {error!r}", "make doctor") from error


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream, however long: a Run's status has 64 KiB."""
    rest = b""
    async for chunk in stream.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
