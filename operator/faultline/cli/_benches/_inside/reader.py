"""Reads the target's streams through edges under load, and says when each delay began and ended.

Standard input has one JSON object: `{"streams": {NAME: [HOST, PORT, [T, ...]]}, "until": Unix seconds, "rate": per s,
"load": [[HOST, PORT], ...], "delay": seconds}`. Standard output gets `{"events": {NAME: [[start, end], ...]}, "load":
{"sent", "answered"}}`. A delay is seen in what it delays: its start is when the first delayed message was sent, so it
is never reported early, and its end is when the messages that it held back arrived, by the kernel's time stamp.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import selectors
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

SO_TIMESTAMPNS = 35
SIZE = 8
HELD_SECONDS = 0.005
"""A message this much less late than the delay was let go before its time."""
SHORTEST_SECONDS = 0.25
"""What lasts less is a hiccup of the machine."""
OPEN_SECONDS = 5.0
LANES = 4
"""Connections of the load on each way in."""

Message = tuple[float, float]
"""When it was sent and when it arrived, Unix seconds."""


class Stream:
    """One connection to the target through an edge."""

    def __init__(self, host: str, port: int, dense: Iterable[float]) -> None:
        self.messages: list[Message] = []
        moments = ",".join(f"{each:.3f}" for each in dense)
        request = f"GET /stream?dense={moments} HTTP/1.1\r\nHost: target\r\n\r\n".encode()
        deadline = time.time() + OPEN_SECONDS
        while True:
            try:
                self.socket = self._open(host, port, request)
                return
            except OSError:
                # A Service that is new may lead nowhere for a moment.
                if time.time() > deadline:
                    raise
                time.sleep(0.1)

    @staticmethod
    def _open(host: str, port: int, request: bytes) -> socket.socket:
        """A connection that has given the head of its answer, which is no message."""
        found = socket.create_connection((host, port), OPEN_SECONDS)
        found.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        found.sendall(request)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            part = found.recv(1)
            if not part:
                raise ConnectionError("closed before the stream began")
            head += part
        return found

    def read(self) -> None:
        """Take one message."""
        data, ancillary, _, _ = self.socket.recvmsg(SIZE, 64)
        arrived = time.time()
        while 0 < len(data) < SIZE:
            data += self.socket.recv(SIZE - len(data))
        if not data:
            raise ConnectionError("a stream ended before its time")
        for level, kind, raw in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                seconds, nanoseconds = struct.unpack("qq", raw[:16])
                arrived = seconds + nanoseconds / 1e9
        self.messages.append((struct.unpack("!d", data)[0], arrived))


def delays(messages: Iterable[Message], delay: float) -> list[list[float]]:
    """Start and end of each time during which messages came late by `delay`."""
    found: list[list[float]] = []
    start: float | None = None
    ended = 0.0
    for sent, arrived in messages:
        late = arrived - sent
        if start is None and sent > ended and late > delay / 2:
            start = sent
        elif start is not None and late < delay - HELD_SECONDS:
            ended = arrived
            if ended - start >= SHORTEST_SECONDS:
                found.append([start, ended])
            start = None
    return found


def read_all(streams: dict[str, Stream], until: float) -> None:
    """Read every stream until that moment."""
    with selectors.DefaultSelector() as selector:
        for each in streams.values():
            selector.register(each.socket, selectors.EVENT_READ, each)
        while time.time() < until:
            for key, _ in selector.select(0.1):
                key.data.read()


def load(ways: list[tuple[str, int]], rate: float, until: float, counts: Any) -> None:
    """Requests at `rate` in all, spread over the ways in, each lane with a connection that it keeps."""
    lanes = [
        threading.Thread(target=_lane, args=(host, port, rate / len(ways) / LANES, until, counts, seed))
        for seed, (host, port) in enumerate(ways * LANES)
    ]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()


def _lane(host: str, port: int, rate: float, until: float, counts: Any, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (arrivals, not secrets)
    connection = http.client.HTTPConnection(host, port, timeout=5)
    due = time.time() + chance.expovariate(rate)
    while due < until:
        time.sleep(max(0.0, due - time.time()))
        due += chance.expovariate(rate)
        with counts.get_lock():
            counts[0] += 1
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            connection.close()
            continue
        with counts.get_lock():
            counts[1] += 1


def main() -> None:
    """From the wish on standard input to the answer on standard output."""
    wish = json.load(sys.stdin)
    counts = multiprocessing.Array("i", 2)
    ways = [(host, port) for host, port in wish["load"]]
    worker = multiprocessing.Process(target=load, args=(ways, wish["rate"], wish["until"], counts))
    if ways and wish["rate"]:
        worker.start()
    streams = {name: Stream(host, port, dense) for name, (host, port, dense) in wish["streams"].items()}
    # What came to the first ones while the last were opened lay there unread, and the kernel gives all of it the time
    # at which the last of it arrived.
    opened = time.time()
    read_all(streams, wish["until"])
    if worker.pid:
        worker.join()
    events = {
        name: delays([one for one in each.messages if one[0] >= opened], wish["delay"])
        for name, each in streams.items()
    }
    json.dump({"events": events, "load": {"sent": counts[0], "answered": counts[1]}}, sys.stdout)


if __name__ == "__main__":
    main()
