"""The wrapper around toxiproxy-python: bounded calls, one address for each edge, nothing accepted in silence."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from faultline.api.toxic import Toxic
from faultline.clients.toxiproxy import EdgeProxy
from faultline.errors import Unreachable


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """Pretends to be a Toxiproxy: `server.status` is answered to everything at once unless `server.hangs`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if one.hang.wait(600 if one.hangs else 0):  # type: ignore[attr-defined]
                return
            self.send_response(one.status)  # type: ignore[attr-defined]
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET

        def log_message(self, *arguments: Any) -> None:
            pass

    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.daemon_threads = True
    one.hang, one.hangs, one.status = threading.Event(), False, 200  # type: ignore[attr-defined]
    thread = threading.Thread(target=one.serve_forever, args=(0.01,))
    thread.start()
    yield one
    one.hang.set()  # type: ignore[attr-defined]
    one.shutdown()
    thread.join()
    one.server_close()


def test_hanging_server_is_given_up_after_the_bound(server: Any) -> None:
    server.hangs = True
    proxy = EdgeProxy("a->b", server.server_port, timeout=0.2)
    with pytest.raises(Unreachable, match=r"FL610: Toxiproxy of edge a->b did not answer GET /proxies within 0.2s"):
        proxy.create("127.0.0.1:0", "127.0.0.1:1")
    proxy.close()


def test_503_is_no_success(server: Any) -> None:
    server.status = 503
    proxy = EdgeProxy("a->b", server.server_port, timeout=60)
    with pytest.raises(Unreachable, match="answered GET /proxies with 503"):
        proxy.create("127.0.0.1:0", "127.0.0.1:1")
    proxy.close()


def test_misspelt_attribute_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValidationError, match="attributes of latency must be among jitter, latency, got latncy"):
        Toxic(type="latency", stream="upstream", attributes={"latncy": 100})


def test_unknown_type_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"type must be one of .*, got lateness"):
        Toxic(type="lateness", stream="upstream", attributes={})


def test_negative_attribute_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"attributes\.rate must be 0 or above, got -1"):
        Toxic(type="bandwidth", stream="upstream", attributes={"rate": -1})


def test_two_proxies_in_two_threads_reach_their_own_servers(server: Any) -> None:
    """The package itself has one address for the whole process."""
    good, bad = EdgeProxy("a->b", server.server_port, timeout=60), EdgeProxy("a->c", 1)
    errors: list[str] = []

    def use(proxy: EdgeProxy) -> None:
        for _ in range(20):
            try:
                proxy._proxy = None
                proxy.create("127.0.0.1:0", "127.0.0.1:1")
            except KeyError:
                errors.append("good")  # the pretended server's answer has no name: it was reached
            except Unreachable:
                errors.append("bad")

    threads = [threading.Thread(target=use, args=(proxy,)) for proxy in (good, bad)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good.close()
    bad.close()
    assert sorted(errors) == ["bad"] * 20 + ["good"] * 20
