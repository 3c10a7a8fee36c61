"""Keeps other sites' pages out: whoever forwards the port has a browser that visits them, too.

A page elsewhere may send requests to localhost, and by a name of its own that points there (DNS rebinding) it may read
the answers. So the name that was asked for has to be this machine's, and what changes something has to come from a page
of the dashboard's own, by its script.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
OWN_HEADER = "x-faultline"
"""Set by the page's script. A form cannot set it, and another site's script only if this one let it."""
SAFE = frozenset({"GET", "HEAD"})
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": _PAGE_POLICY,
}


class Guard:
    """An ASGI middleware. It refuses with status 403 and FL151."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = refusal(scope["method"], Headers(scope=scope))
        if problem:
            await _refuse(send, problem)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


def refusal(method: str, headers: Headers) -> str:
    """Why a request is refused; empty when it is not."""
    host = headers.get("host", "")
    if urlsplit(f"//{host}").hostname not in LOCAL:
        return f"the dashboard answers on localhost only, not as {host!r}"
    if method in SAFE:
        return ""
    if headers.get("origin", f"http://{host}") != f"http://{host}":
        return f"a page of {headers['origin']} must not change anything here"
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return f"a {headers['sec-fetch-site']} page must not change anything here"
    if OWN_HEADER not in headers:
        return f"a request that changes something needs the header {OWN_HEADER}"
    return ""


async def _refuse(send: Send, problem: str) -> None:
    error = {"code": "FL151", "message": problem, "next": "open the address that `faultline dashboard` prints"}
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
