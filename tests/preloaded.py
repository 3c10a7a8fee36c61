"""labkit.serve and the injector in processes forked off one that has imported them already.

A start costs some hundredths of a second of CPU so, not a whole one, and tests start many. All else is as by
`python -m labkit.serve` or `python -m faultline.injector`: a process with its own arguments, environment, folder and
signals.
"""

from __future__ import annotations

import importlib
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
        "faultline.injector.__main__",
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


class Forked:
    """One `python -m MODULE`: `main` of `module`, with the methods of subprocess.Popen that tests use."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        path: str = "",
        environment: Mapping[str, str],
        output: str = "",
        folder: str = os.curdir,
    ) -> None:
        self.args = [module, *arguments]
        given = (self.args, path, dict(environment), output, folder)
        self._process = _context.Process(target=_run, args=given, daemon=True)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, seconds: float = 60) -> int:
        self._process.join(seconds)
        if (code := self.returncode) is None:
            raise subprocess.TimeoutExpired(self.args, seconds)
        return code

    def send_signal(self, number: int) -> None:
        if self.returncode is None and self._process.pid:
            os.kill(self._process.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(arguments: Sequence[str], path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m labkit.serve` to its end, with what it wrote; `path` is its PYTHONPATH."""
    with tempfile.TemporaryDirectory() as folder:
        serving = Forked("labkit.serve", arguments, path=path, environment=environment, output=folder)
        code = serving.wait()
        out, err = ((Path(folder) / name).read_text() for name in ("1", "2"))
    return subprocess.CompletedProcess(serving.args, code, out, err)


def _run(args: list[str], path: str, environment: dict[str, str], output: str, folder: str) -> None:
    os.environ.update(environment)
    tempfile.tempdir = None  # What was found before is that of another environment.
    os.chdir(folder)
    sys.path[:0] = [each for each in path.split(os.pathsep) if each]
    for number in (1, 2) if output else ():
        with (Path(output) / str(number)).open("w") as file:
            os.dup2(file.fileno(), number)
    module, *arguments = args
    main = importlib.import_module(module).main
    sys.exit(main(arguments) if arguments else main())
