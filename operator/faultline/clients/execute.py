"""A command in a running container, with its input and output: `kubectl exec -i` for coroutines.

The protocol is the API server's WebSocket one: the first byte of each message is the channel.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import urllib.parse
from collections.abc import Sequence

import aiohttp

from faultline.clients.kube import Kube, path
from faultline.errors import Unreachable

PROTOCOL = "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, STATUS = range(4)
OPEN_SECONDS = 5.0
CLOSE_SECONDS = 1.0


class Session:
    """One command. When it is closed, or this process dies, the command reads the end of its input."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, pod: str) -> None:
        self._session = session
        self._socket = socket
        self._pod = pod
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._complaint = ""
        self._reader = asyncio.create_task(self._read(), name=f"exec {pod}")

    @classmethod
    async def open(cls, kube: Kube, namespace: str, pod: str, container: str, command: Sequence[str]) -> Session:
        """Start `command`. Raises Unreachable (FL606) when that pod runs no command."""
        host, headers, secure = _connection(kube)
        options = [("container", container), ("stdin", "true"), ("stdout", "true"), ("stderr", "true")]
        query = urllib.parse.urlencode([*options, *(("command", part) for part in command)])
        url = f"{host}{path('Pod', pod, namespace)}/exec?{query}"
        session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                socket = await session.ws_connect(
                    url,
                    headers=headers,
                    ssl=secure,
                    protocols=[PROTOCOL],
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await session.close()
            raise _unreachable(pod, namespace, error or "too slow") from error
        except BaseException:
            await session.close()
            raise
        return cls(session, socket, pod)

    @property
    def closed(self) -> bool:
        """Whether the command or the way to it has ended."""
        return self._reader.done() or self._socket.closed

    async def send(self, line: str) -> None:
        """Write a line to its input. Raises Unreachable (FL606) when it has ended."""
        try:
            await self._socket.send_bytes(bytes([STDIN]) + line.encode() + b"\n")
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(self._pod, "its namespace", error) from error

    async def line(self, seconds: float) -> str:
        """The next line of its output. Raises Unreachable (FL606) when none comes in time, or none will come."""
        try:
            async with asyncio.timeout(seconds):
                found = await self._lines.get()
        except TimeoutError as error:
            raise _unreachable(self._pod, "its namespace", f"no answer within {seconds:g} s") from error
        if found is None:
            self._lines.put_nowait(None)
            raise _unreachable(self._pod, "its namespace", self._complaint or "it has ended")
        return found

    async def close(self) -> None:
        """End the session; again is fine."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await self._socket.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._session.close()

    async def _read(self) -> None:
        rest = ""
        try:
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                    continue
                channel, text = message.data[0], message.data[1:].decode(errors="replace")
                if channel == STDOUT:
                    *lines, rest = (rest + text).split("\n")
                    for each in lines:
                        self._lines.put_nowait(each)
                elif channel in (STDERR, STATUS) and '"status":"Success"' not in text:
                    self._complaint = text.strip()[:300]
        finally:
            self._lines.put_nowait(None)


def _unreachable(pod: str, namespace: str, why: object) -> Unreachable:
    return Unreachable("FL606", f"{pod} in {namespace} runs no command: {why}", "make doctor")


def _connection(kube: Kube) -> tuple[str, dict[str, str], ssl.SSLContext | bool]:
    """Where the API server is, the headers that say who asks, and what its certificate is checked by."""
    settings = kube.client.configuration
    headers: dict[str, str] = {}
    kube.client.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
    host = str(settings.host).rstrip("/")
    if not host.startswith("https"):
        return host, headers, True
    secure = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if settings.cert_file:
        secure.load_cert_chain(settings.cert_file, settings.key_file)
    return host, headers, secure
