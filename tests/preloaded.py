"""labkit.serve in processes forked off one that has imported it already.

A start costs some hundredths of a second of CPU so, not a whole one, and tests start many. All else is as by
`python -m labkit.serve`: a process with its own arguments, environment, folder and signals.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "labkit.serve",
        "labkit.postgres",
        "labkit.redis",
        "labkit.clock",
        "uvicorn.lifespan.on",
        "uvicorn.loops.uvloop",
        "uvicorn.protocols.http.httptools_impl",
        "tests.preloaded",
    ]
)


class Serving:
    """One `python -m labkit.serve`, with the methods of subprocess.Popen that tests use."""

    def __init__(self, arguments: Sequence[str], path: str, environment: Mapping[str, str], output: str = "") -> None:
        self.args = ["labkit.serve", *arguments]
        given = (list(arguments), path, dict(environment), output)
        self._process = _context.Process(target=_serve, args=given, daemon=True)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, seconds: float) -> int:
        self._process.join(seconds)
        if (code := self.returncode) is None:
            raise subprocess.TimeoutExpired(self.args, seconds)
        return code

    def send_signal(self, number: int) -> None:
        if self.returncode is None and self._process.pid:
            os.kill(self._process.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def run(arguments: Sequence[str], path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m labkit.serve` to its end, with what it wrote; `path` is its PYTHONPATH."""
    with tempfile.TemporaryDirectory() as folder:
        serving = Serving(arguments, path, environment, folder)
        code = serving.wait(30)
        out, err = ((Path(folder) / name).read_text() for name in ("1", "2"))
    return subprocess.CompletedProcess(serving.args, code, out, err)


def _serve(arguments: list[str], path: str, environment: dict[str, str], output: str) -> None:
    os.environ.update(environment)
    sys.path[:0] = [each for each in path.split(os.pathsep) if each]
    for number in (1, 2) if output else ():
        with (Path(output) / str(number)).open("w") as file:
            os.dup2(file.fileno(), number)
    from labkit.serve import main

    sys.exit(main(arguments))
