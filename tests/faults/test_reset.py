"""reset: RST, on open connections and on new ones."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from faultline.faults.reset import Reset

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="the kernel resets connections for root only (in the lab: e2e)"
)


async def test_open_connection_gets_rst_at_once(port: int, on: Any, tools: Any) -> None:
    client = await tools.Client.open(port)
    assert await client.works()
    async with on(Reset()):
        with pytest.raises(ConnectionResetError):
            await client.reader.readline()
    client.close()
    assert await tools.works(port)


async def test_new_connection_gets_rst_when_used_and_nothing_gets_through(
    port: int, on: Any, tools: Any, backend: Any
) -> None:
    async with on(Reset()):
        backend.lines.clear()
        client = await tools.Client.open(port)
        with pytest.raises(ConnectionResetError):
            await client.ask()
        assert backend.lines == []
    client.close()


async def test_connections_of_other_edges_stay(port: int, on: Any, tools: Any, lab: Any) -> None:
    other = await tools.Client.open(lab.edges["client->a"].config.loopback[1])
    async with on(Reset()):
        assert await other.works()
    other.close()


def resets(capture: socket.socket, port: int) -> list[int]:
    """The receiving ports of the packets with RST that came from `port`."""
    found = []
    while True:
        try:
            packet = capture.recv(65535)[14:]
        except BlockingIOError:
            return found
        header = packet[(packet[0] & 0x0F) * 4 :]
        if packet[9] == socket.IPPROTO_TCP and int.from_bytes(header[:2]) == port and header[13] & 0x04:
            found.append(int.from_bytes(header[2:4]))


async def test_packets_on_the_wire_carry_rst(port: int, on: Any, tools: Any) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as capture:
        capture.bind(("lo", 0))
        capture.setblocking(False)
        client = await tools.Client.open(port)
        assert await client.works()
        mine = client.writer.get_extra_info("sockname")[1]
        assert mine not in resets(capture, port)
        async with on(Reset()):
            assert mine in resets(capture, port)
        client.close()
