"""Runs commands: output into the step's log, the last line shown, a failure as an error with the log's tail."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from faultline.errors import HostProblem


class CommandFailed(HostProblem):
    """A command of the set-up ended with an error; `tail` is the end of what it printed."""

    def __init__(self, args: Sequence[str], status: int, tail: str, log: Path | None = None) -> None:
        said = tail.strip().splitlines()[-1:] if log is None else []
        super().__init__(
            "FL500", ": ".join([f"`{' '.join(args[:6])}` ended with status {status}", *said]), _advice(tail)
        )
        self.status = status
        self.tail = tail
        self.log = log


def _advice(tail: str) -> str:
    """The next step, where the output names a cause that a person can remove."""
    text = tail.lower()
    if "no space left on device" in text:
        return "free disk space (`docker system df` shows what images take), then run the command again"
    if "address already in use" in text or "port is already allocated" in text:
        return "stop what uses the port (`ss -ltnp` lists it), then run the command again"
    if "cannot connect to the docker daemon" in text:
        return "run `make up`: it starts the Docker engine again"
    return "read the log, then run the command again: finished steps are skipped"


class Log:
    """The log of one step: a file, and where its latest line is shown."""

    def __init__(self, path: Path, show: Callable[[str], None] = lambda line: None) -> None:
        self.path = path
        self._show = show
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("w", encoding="utf-8")

    def line(self, text: str) -> None:
        """Write a line and show it."""
        with self._lock:
            self._file.write(text + "\n")
            self._file.flush()
        self._show(text)

    def close(self) -> None:
        """No more lines."""
        self._file.close()

    def tail(self, lines: int = 15) -> str:
        """The last lines written."""
        return "\n".join(self.path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def is_alive(pid: int) -> bool:
    """Whether there is such a process, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


_children: set[subprocess.Popen[bytes]] = set()


def end_all() -> None:
    """Ask every command that runs now to end; those who wait for one see it fail."""
    for child in list(_children):
        child.terminate()


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end what is under way as Ctrl-C does, commands included: by KeyboardInterrupt in the main thread."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run(
    args: Sequence[str],
    log: Log,
    *,
    stdin: IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    prefix: str = "",
) -> None:
    """Run to the end with its output in `log`, each line behind `prefix`.

    Raises CommandFailed on a non-zero status. Ctrl-C ends the command too: it is in the terminal's process group.
    """
    log.line(f"{prefix}$ {' '.join(args)}")
    process = subprocess.Popen(
        args,
        stdin=stdin if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **env} if env else None,
        cwd=cwd,
    )
    _children.add(process)
    last: list[str] = []
    try:
        with piped(process) as printed:
            for raw in printed:
                text = raw.decode(errors="replace").rstrip()
                if text:
                    log.line(prefix + text)
                    last = [*last[-30:], text]
        status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        _children.discard(process)
    if status:
        raise CommandFailed(args, status, "\n".join(last[-15:]), log.path)


def piped(process: subprocess.Popen[bytes]) -> IO[bytes]:
    """The standard output of a process that was started with a pipe there."""
    if process.stdout is None:
        raise ValueError("the process was not started with stdout=PIPE")
    return process.stdout


def output(args: Sequence[str], *, timeout: float = 60, stdin: bytes | None = None) -> str:
    """What a command prints on standard output. Raises CommandFailed on a non-zero status or when time is up."""
    try:
        done = subprocess.run(
            args,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(args, 124, f"no answer within {timeout:g} s") from error
    except FileNotFoundError as error:
        raise CommandFailed(args, 127, f"{args[0]} is not installed") from error
    if done.returncode:
        raise CommandFailed(args, done.returncode, (done.stderr or done.stdout).decode(errors="replace")[-2000:])
    return done.stdout.decode(errors="replace")


def succeeds(args: Sequence[str], *, timeout: float = 60) -> bool:
    """Whether a command ends with status 0; one that is not installed does not."""
    try:
        output(args, timeout=timeout)
    except CommandFailed:
        return False
    return True
