"""The client of the API server on connections that a real server closes between two requests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from kubernetes.client import ApiClient, Configuration

from faultline.clients.kube import Kube
from faultline.errors import Unreachable

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a": "b"}'


class Closing:
    """Answers one request on each connection and closes it without a word when the next one comes."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                for answer in (ANSWER, b""):
                    request = connection.recv(65536)
                    if not request:
                        break
                    self.seen.append(request.split(b" ", 1)[0].decode())
                    connection.sendall(answer)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Closing]:
    one = Closing()
    yield one
    one.close()


def test_a_question_on_a_closed_connection_is_asked_again(server: Closing) -> None:
    kube = Kube(ApiClient(Configuration(host=f"http://127.0.0.1:{server.port}")), "test")
    assert kube.get("/one") == {"a": "b"}
    assert kube.get("/two") == {"a": "b"}
    assert server.seen == ["GET", "GET", "GET"]


def test_a_change_is_not_made_twice(server: Closing) -> None:
    kube = Kube(ApiClient(Configuration(host=f"http://127.0.0.1:{server.port}")), "test")
    assert kube.get("/one") == {"a": "b"}
    with pytest.raises(Unreachable, match="FL603"):
        kube.create("/list", {})
    assert server.seen == ["GET", "POST"]
