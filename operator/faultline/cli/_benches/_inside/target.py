"""A dependency for benches: answers HTTP on port 8000, and streams the times at which it sends.

GET /stream?dense=T1,T2,... sends the Unix time of each message (8 bytes, a big-endian double): every 50 ms, and
every millisecond around each T, so that whoever reads knows to a millisecond when something began to delay them.
"""

from __future__ import annotations

import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PORT = 8000
SPARSE_SECONDS = 0.05
DENSE_SECONDS = 0.001
BEFORE_SECONDS, AFTER_SECONDS = 0.07, 0.15
"""How long around each T it sends densely: before it, longer than from one message to the next."""


def dense_at(moment: float, moments: list[float]) -> bool:
    """Whether messages have to be dense at `moment`."""
    return any(-BEFORE_SECONDS <= moment - each <= AFTER_SECONDS for each in moments)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer `ok`, or stream."""
        url = urlsplit(self.path)
        if url.path == "/stream":
            given = parse_qs(url.query).get("dense", [""])[0]
            self._stream([float(each) for each in given.split(",") if each])
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def _stream(self, moments: list[float]) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                moments = [each for each in moments if each > time.time() - AFTER_SECONDS]
                time.sleep(DENSE_SECONDS if dense_at(time.time(), moments[:4]) else SPARSE_SECONDS)
                self.connection.sendall(struct.pack("!d", time.time()))
        except OSError:
            return  # the reader has all it wanted

    def log_message(self, *args: object) -> None:
        """Nobody reads a line per request."""


def main() -> None:
    """Serve for ever."""
    sys.setswitchinterval(0.0005)
    port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
    server = ThreadingHTTPServer(("0.0.0.0", port), Handler)  # noqa: S104 (a pod's own network)
    server.request_queue_size = 128
    server.serve_forever()


if __name__ == "__main__":
    main()
