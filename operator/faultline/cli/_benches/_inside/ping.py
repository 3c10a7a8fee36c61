"""Asks the target by turns over one connection past the edge and one through it.

`python ping.py DIRECT_HOST EDGE_HOST EDGE_PORT N`: prints `{"direct": [seconds, ...], "proxied": [...]}`.
"""

from __future__ import annotations

import json
import socket
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: target\r\n\r\n"
PAUSE_SECONDS = 0.002
WARM = 100
OPEN_SECONDS = 5.0


def opened(host: str, port: int) -> socket.socket:
    """A connection that is open, though a Service that is new may lead nowhere for a moment."""
    until = time.monotonic() + OPEN_SECONDS
    while True:
        try:
            return socket.create_connection((host, port), OPEN_SECONDS)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def ask(connection: socket.socket) -> float:
    """Seconds until the whole answer is there."""
    began = time.perf_counter()
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"\r\n\r\nok"):
        part = connection.recv(4096)
        if not part:
            raise ConnectionError(f"the target closed the connection after {answer!r}")
        answer += part
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    direct, edge, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    ways = {"direct": opened(direct, 8000), "proxied": opened(edge, port)}
    for each in ways.values():
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(count + WARM):
        for name, connection in ways.items():
            found[name].append(ask(connection))
            time.sleep(PAUSE_SECONDS)
    json.dump({name: took[WARM:] for name, took in found.items()}, sys.stdout)


if __name__ == "__main__":
    main()
