"""A port of this machine that leads to a pod, whichever one it is at the time: it outlives restarts and roll-outs."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable

import aiohttp

from faultline.cli._cluster import Cluster
from faultline.cli._labs import is_ready
from faultline.clients.kube_objects import path
from faultline.clients.kube_stream import KubeStream
from faultline.errors import Conflict, FaultlineError, Unreachable

DIAL_SECONDS = 20.0
"""How long a connection waits for a pod that is ready."""
AGAIN_SECONDS = 0.5
DATA, PROBLEM = 0, 1
"""Channels of a port-forward. The first message of each is the port's number."""
CHUNK = 64 * 1024


def stream_of(cluster: Cluster) -> KubeStream:
    """The same API server, certificates and token, for calls that do not block."""
    configuration = cluster.client.configuration
    tls = None
    if str(configuration.host).startswith("https"):
        tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if not configuration.verify_ssl:
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        if configuration.cert_file:
            tls.load_cert_chain(configuration.cert_file, configuration.key_file)

    def headers() -> dict[str, str]:
        found: dict[str, str] = {}
        cluster.client.update_params_for_auth(found, [], ["BearerToken"], "", "GET", None)
        return found

    return KubeStream(str(configuration.host), tls, headers)


class Forward:
    """Listens on this machine's loopback; each connection gets its own way to a pod of `app`.

    `say` is told when the pods cannot be reached and when they can again.
    """

    def __init__(
        self, kube: KubeStream, namespace: str, app: str, target: int, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self._kube = kube
        self._namespace = namespace
        self._app = app
        self._target = target
        self._say = say
        self._well = True

    async def listen(self, port: int) -> asyncio.Server:
        """Raises Conflict (FL408) when the port is taken."""
        try:
            return await asyncio.start_server(self._connection, "127.0.0.1", port)
        except OSError as error:
            raise Conflict(
                "FL408",
                f"port {port} of this machine is taken: {error.strerror}",
                "is another dashboard open? Else take another port: make dashboard PORT=8099",
            ) from error

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                channel = await self._dial()
            except FaultlineError as error:
                self._tell(False, error.message)
                writer.write(_sorry(error))
                return
            self._tell(True)
            async with channel:
                await _both_ways(channel, reader, writer)
        except (OSError, aiohttp.ClientError):
            return  # one of the two ends went away, as ends do
        finally:
            writer.close()

    async def _dial(self) -> aiohttp.ClientWebSocketResponse:
        """A channel to a ready pod; waits for one while the Deployment rolls."""
        deadline = time.monotonic() + DIAL_SECONDS
        while True:
            try:
                for pod in await self._kube.items(path("Pod", namespace=self._namespace), f"app={self._app}"):
                    if is_ready(pod):
                        return await self._kube.forward(self._namespace, pod["metadata"]["name"], self._target)
                problem = Unreachable("FL606", f"no pod of {self._app} is ready", "make doctor; make up")
            except Unreachable as error:
                problem = error
            if time.monotonic() > deadline:
                raise problem
            await asyncio.sleep(AGAIN_SECONDS)

    def _tell(self, well: bool, problem: str = "") -> None:
        if well != self._well:
            self._well = well
            self._say("connected again" if well else f"no way to the {self._app}: {problem}")


def _sorry(error: FaultlineError) -> bytes:
    body = f"{error}\nThis page works again when the pod is back; reload it.\n".encode()
    head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


async def _both_ways(
    channel: aiohttp.ClientWebSocketResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Carry bytes until either end is done."""
    tasks = [asyncio.create_task(_out(channel, reader)), asyncio.create_task(_back(channel, writer))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _out(channel: aiohttp.ClientWebSocketResponse, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(CHUNK):
        await channel.send_bytes(bytes([DATA]) + data)


async def _back(channel: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter) -> None:
    begun: set[int] = set()
    async for message in channel:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        number, data = message.data[0], message.data[1:]
        if number not in begun:
            begun.add(number)
            continue
        if number == PROBLEM:
            return  # nobody listens in the pod any more; the browser dials again
        writer.write(data)
        await writer.drain()
