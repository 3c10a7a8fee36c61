"""`python -m loadgen`: the control API on 8091 and the metrics on 9646.

Environment: FAULTLINE_TOKEN (needed); FAULTLINE_DATA, a folder to write in (the system's temporary one);
LOADGEN_PORT and LOADGEN_METRICS_PORT to listen elsewhere, LOADGEN_HOST (0.0.0.0).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from loadgen.control import Control

API_PORT = 8091
METRICS_PORT = 9646


async def serve(control: Control) -> None:
    """Serve until SIGTERM or SIGINT; a run under way ends with it."""
    host = os.environ.get("LOADGEN_HOST", "0.0.0.0")  # noqa: S104 (a pod's own network)
    ports = {
        int(os.environ.get("LOADGEN_PORT", API_PORT)): control.app(),
        int(os.environ.get("LOADGEN_METRICS_PORT", METRICS_PORT)): control.metrics_app(),
    }
    runners = [(web.AppRunner(app, access_log=None, shutdown_timeout=1.0), port) for port, app in ports.items()]
    for runner, port in runners:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    for runner, _ in runners:
        await runner.cleanup()


def main() -> int:
    """Gives the exit code."""
    token = os.environ.get("FAULTLINE_TOKEN")
    if not token:
        print("FAULTLINE_TOKEN must be set, it is not in the environment", file=sys.stderr)
        return 2
    folder = Path(os.environ.get("FAULTLINE_DATA", tempfile.gettempdir())) / "runs"
    asyncio.run(serve(Control(folder, token)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
