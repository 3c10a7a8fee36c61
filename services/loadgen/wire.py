"""Connections for Locust's client, under our own rules.

geventhttpclient sends a GET, PUT or DELETE again when a kept connection turns out to be closed. For a history that is
a lie: the request may have had its effect the first time. Here a request is sent once, it is known whether it was
sent at all, and idle connections are shared among all users, the most recently used first.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Any

import gevent.monkey
import gevent.socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.url import URL

IDLE_SECONDS = 4.0
"""An idle connection is not used after this long. Servers close theirs after 5 s (uvicorn) or more: the client has to
be first, or a request meets a connection that is being closed and nobody knows whether it arrived."""

_poll = gevent.monkey.get_original("select", "poll")
"""The real one: gevent's own goes through the event loop, and other greenlets would run in between."""


class Sockets:
    """Idle connections to one address. It is resolved once: a look-up for each connection would be load on DNS."""

    def __init__(self, host: str, port: int, connect_timeout: float) -> None:
        family, _, _, _, self._address = gevent.socket.getaddrinfo(host, port, type=gevent.socket.SOCK_STREAM)[0]
        self._family = family
        self._timeout = connect_timeout
        self._idle: list[tuple[float, Any]] = []

    def take(self) -> Any:
        """An idle connection, or a new one. Raises OSError when it is refused or takes too long."""
        while self._idle:
            since, sock = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and not _readable(sock):
                return sock
            sock.close()
        sock = gevent.socket.socket(self._family, gevent.socket.SOCK_STREAM)
        try:
            sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            sock.settimeout(self._timeout)
            sock.connect(self._address)
        except BaseException:
            sock.close()
            raise
        return sock

    def give(self, sock: Any) -> None:
        """Take back a connection whose answer was read to its end."""
        self._idle.append((time.monotonic(), sock))

    def close(self) -> None:
        """Close the idle ones."""
        while self._idle:
            self._idle.pop()[1].close()


def _readable(sock: Any) -> bool:
    # On an idle connection that means closed, or bytes that nobody asked for.
    poller = _poll()
    poller.register(sock.fileno(), select.POLLIN)
    return bool(poller.poll(0))


class Wire:
    """What one user's HTTPClient takes for its connection pool: it lends one connection at a time."""

    size = -1  # HTTPClient tries a request `size + 1` more times. Never.

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self._lent: Any = None
        self._on_sent: Callable[[], None] | None = None
        self.sent = False

    def begin(self, on_sent: Callable[[], None] | None = None) -> None:
        """A new request: nothing has been sent yet; `on_sent` is called when it is."""
        self.sent = False
        self._on_sent = on_sent

    def get_socket(self) -> Any:
        """Lend a connection. From here on the request counts as sent."""
        self._lent = self._sockets.take()
        self.sent = True
        if self._on_sent:
            self._on_sent()
        return self._lent

    def return_socket(self, sock: Any) -> None:
        """The answer was read to its end and the server keeps the connection."""
        self._lent = None
        self._sockets.give(sock)

    def release_socket(self, sock: Any) -> None:
        """The connection is of no more use."""
        self._lent = None
        sock.close()

    def drop(self) -> None:
        """Close what is still lent out: the request was given up."""
        if self._lent is not None:
            self.release_socket(self._lent)

    def close(self) -> None:
        """The same, for HTTPClient.close."""
        self.drop()


class OneTryPool(HTTPClientPool):
    """Gives Locust's user agent a client that uses a Wire."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def get_client(self, url: str | URL) -> HTTPClient:
        """One client, as there is one target."""
        client = self.clients.get(("", None))
        if client is None:
            client = self.clients["", None] = HTTPClient.from_url(url)
            client._connection_pool = self._wire  # type: ignore[assignment]  # it does all that is asked of one
        return client
