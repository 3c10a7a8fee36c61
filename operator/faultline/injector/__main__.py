"""`python -m faultline.injector`: serves until SIGTERM, which ends every fault first."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from aiohttp import web

from faultline.errors import FaultlineError
from faultline.injector.api import application
from faultline.injector.config import Config, split
from faultline.injector.lab import Lab
from faultline.injector.slices import take_short_slices

SWITCH_SECONDS = 0.0005
"""How soon a thread whose moment has come gets to run; Python's default of 5 ms would be felt in each fault's time."""


async def serve(config: Config) -> None:
    """Runs the injector until SIGTERM or SIGINT."""
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    lab = Lab(config)
    host, port = split(config.listen)
    runner = web.AppRunner(application(lab, config.token), access_log=None, shutdown_timeout=1.0)
    async with lab:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        logging.getLogger(__name__).info("serving %d edges on %s", len(config.edges), config.listen)
        await done.wait()
        await runner.cleanup()


def main() -> int:
    """Reads the environment and serves; 2 for settings that are wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    sys.setswitchinterval(SWITCH_SECONDS)
    take_short_slices()
    try:
        asyncio.run(serve(Config.from_environment()))
    except FaultlineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
