"""`python -m labkit.serve module:app`: uvicorn on 0.0.0.0:8000. With --check it imports the app and stops.

An app that does not import ends the process with its traceback and exit code 1, so that `kubectl logs` shows why.
With --control PORT the app's code can be swapped while it serves (`labkit.supervisor`).
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

GRACE_SECONDS = 2
"""What requests in flight get at SIGTERM. Roll-outs wait for it, and `make fix` promises 5 s in all."""
KEEP_ALIVE_SECONDS = 20
"""Longer than the usual clients keep an idle connection, so that none is closed just as a request comes."""

_log = logging.getLogger("labkit")


def load(target: str) -> Any:
    """The app that `module:name` names. Raises what importing it raises, or ValueError when it is not an app."""
    module, _, name = target.partition(":")
    if not name:
        raise ValueError(f"the app must be given as module:name, got {target!r}")
    app = getattr(importlib.import_module(module), name)
    if not callable(app):
        raise ValueError(f"{target} must be an ASGI app, got {type(app).__name__}")
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labkit.serve", description=__doc__)
    parser.add_argument("app", help="module:name, as in gateway.main:app")
    parser.add_argument("--check", action="store_true", help="only import it")
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 (a pod's own network)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--control", type=int, help="port by which the code is swapped; none without it")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # It has a line for every request.
    if arguments.control is not None:
        return _supervise(arguments.app, arguments.host, arguments.port, arguments.control)
    try:
        if arguments.check:
            load(arguments.app)
            print(f"{arguments.app} imports")
            return 0
        return _serve(arguments.app, listen(arguments.host, arguments.port), lambda: None)
    except (Exception, SystemExit):  # An app that calls sys.exit(0) has not started either.
        traceback.print_exc()
        return 1


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections. Raises OSError."""
    return socket.create_server((host, port), backlog=2048)


def _supervise(target: str, host: str, port: int, control: int) -> int:
    from labkit.supervisor import Supervisor

    def serve(listener: socket.socket, started: Callable[[], None]) -> int:
        return _serve(target, listener, started)

    supervisor = Supervisor(serve, listen(host, port), os.environ.get("CODE_DIGEST", ""))
    return supervisor.run(listen(host, control))


def _serve(target: str, listener: socket.socket, started: Callable[[], None]) -> int:
    """Import the app and serve it on the socket until SIGTERM. Raises what importing it raises."""
    import uvicorn  # Not needed for --check.

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                started()

    app = load(target)
    server = Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    _log.info("serving on %s:%d", *listener.getsockname()[:2])
    server.run(sockets=[listener])
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
