"""What tests of edges share: the real toxiproxy-server, and a small server to stand behind it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def toxiproxy() -> str:
    """The program. Tests of faults are worth nothing without the real one, so its absence fails them."""
    home = Path(os.environ.get("FAULTLINE_HOME") or Path.home() / ".faultline")
    for name in (os.environ.get("FAULTLINE_TOXIPROXY"), str(home / "bin/toxiproxy-server"), "toxiproxy-server"):
        if name and (found := shutil.which(name)):
            return found
    pytest.fail("no toxiproxy-server: run `make toxiproxy-server`, or name one by FAULTLINE_TOXIPROXY")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def ports() -> type:
    """`ports.free(n)`."""
    return type("Ports", (), {"free": staticmethod(free_ports)})


class Backend:
    """A dependency: answers lines (`ping`, `bulk N`, `bye`) and HTTP's GET, and remembers what reached it."""

    def __init__(self) -> None:
        self.port = 0
        self.lines: list[bytes] = []
        self.connections = 0
        self.hang = asyncio.Event()
        self.hang.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                await self.hang.wait()
                if not await self.answer(line.strip(), reader, writer):
                    break
        except OSError:
            return  # the proxy cut the connection, which is what tests have it do
        finally:
            self._writers.discard(writer)
            writer.close()

    async def answer(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.lines.append(line)
        if line.startswith(b"GET "):
            while (await reader.readline()).strip():
                continue
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        elif line.startswith(b"bulk "):
            writer.write(b"x" * int(line.split()[1]))
        elif line == b"bye":
            writer.write(b"bye\n")
            return False
        else:
            writer.write(b"pong\n")
        await writer.drain()
        return True

    def close_all(self) -> None:
        self.hang.set()
        for writer in list(self._writers):
            writer.transport.abort()


@asynccontextmanager
async def serving() -> AsyncIterator[Backend]:
    backend = Backend()
    server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    backend.port = server.sockets[0].getsockname()[1]
    try:
        yield backend
    finally:
        server.close()
        backend.close_all()
        await asyncio.sleep(0)


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    """A dependency that works."""
    async with serving() as one:
        yield one
