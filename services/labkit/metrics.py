"""Request metrics of a service, as an ASGI middleware outside of everything but the server.

Labels are bounded: the route's template (never the path), and the status. What the harness asks is not counted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter("app_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("app_request_seconds", "Time to the end of the answer", ["method", "route"], buckets=BUCKETS)
IN_FLIGHT = Gauge("app_requests_in_flight", "Requests being worked on")
APP_INFO = Gauge("app_info", "What runs here: the digest of the code", ["service", "digest"])

UNCOUNTED = ("/healthz", "/metrics", "/faultline/clock")
TRACEBACK_INTERVAL = 1.0
"""Seconds between two logged tracebacks: an app that fails 200 times a second must not spend its CPU on logging."""

_log = logging.getLogger("labkit")


class RequestMetrics:
    """Counts and times each request, and turns an exception that nobody handled into a 500 in JSON."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._last_traceback = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI request."""
        if scope["type"] != "http" or scope["path"].startswith(UNCOUNTED):
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            self._log(scope, error)
            if status:
                raise  # The answer has begun; only cutting the connection tells the client.
            await _internal_error(watched)
        finally:
            IN_FLIGHT.dec()
            route = getattr(scope.get("route"), "path", "unmatched")
            # 499: the client went away, or the server is shutting down, before there was an answer.
            REQUESTS.labels(scope["method"], route, status or 499).inc()
            SECONDS.labels(scope["method"], route).observe(time.perf_counter() - began)

    def _log(self, scope: Scope, error: Exception) -> None:
        now = time.monotonic()
        with_traceback = now - self._last_traceback >= TRACEBACK_INTERVAL
        if with_traceback:
            self._last_traceback = now
        _log.error("%s %s: %r", scope["method"], scope["path"], error, exc_info=error if with_traceback else None)


async def _internal_error(send: Send) -> None:
    body = b'{"detail":"internal error"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
