"""`python -m labkit.serve module:app`: uvicorn on 0.0.0.0:8000. With --check it imports the app and stops.

An app that does not import ends the process with its traceback and exit code 1, so that `kubectl logs` shows why.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import traceback
from collections.abc import Sequence
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
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # It has a line for every request.
    try:
        app = load(arguments.app)
    except (Exception, SystemExit):  # An app that calls sys.exit(0) has not started either.
        traceback.print_exc()
        return 1
    if arguments.check:
        print(f"{arguments.app} imports")
        return 0
    return _serve(app, arguments.host, arguments.port)


def _serve(app: Any, host: str, port: int) -> int:
    import uvicorn  # Not needed for --check.

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    _log.info("serving on %s:%d", host, port)
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
