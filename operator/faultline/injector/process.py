"""One toxiproxy-server process: started so that it dies with the injector, ended so that nothing can hold it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal

from faultline.errors import HostProblem

API_WAIT_SECONDS = 5.0


def program(name: str) -> str:
    """The full path of toxiproxy-server. Raises HostProblem (FL510) when there is none."""
    found = shutil.which(name)
    if found is None:
        raise HostProblem(
            "FL510", f"there is no program {name}", "use the injector's image, or set FAULTLINE_TOXIPROXY"
        )
    return found


class ToxiproxyProcess:
    """A running toxiproxy-server with its API on loopback."""

    def __init__(self, process: asyncio.subprocess.Process, api: int) -> None:
        self._process = process
        self.api = api

    @classmethod
    async def start(cls, path: str, api: int) -> ToxiproxyProcess:
        """Starts it and returns once its API accepts connections.

        Raises TimeoutError when that takes more than 5 s, ChildProcessError when the process ends first.
        """
        # The kernel ends it with the thread that started it, the event loop's: no Toxiproxy outlives its injector.
        process = await asyncio.create_subprocess_exec(
            "setpriv",
            "--pdeathsig=KILL",
            path,
            "-host=127.0.0.1",
            f"-port={api}",
            # Below it logs every connection, or every refusal of a dependency that is down.
            env={**os.environ, "LOG_LEVEL": "fatal"},
        )
        started = cls(process, api)
        try:
            async with asyncio.timeout(API_WAIT_SECONDS):
                await started._listening()
        except BaseException:
            await started.end()
            raise
        return started

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ended(self) -> int:
        """Waits for its end; the return code."""
        return await self._process.wait()

    def kill(self) -> None:
        """SIGKILL, now. Ended already is fine."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    async def end(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.kill()
        await self._process.wait()

    async def _listening(self) -> None:
        while True:
            if self._process.returncode is not None:
                raise ChildProcessError(f"toxiproxy-server ended with {self._process.returncode} before its API was up")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.api)
            except OSError:
                await asyncio.sleep(0.002)
                continue
            writer.close()
            return
