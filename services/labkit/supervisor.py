"""Runs the app in a child process and swaps it for other code while the old one serves on.

What takes an app its second to start is importing what it stands on. The supervisor imports that once; a child is then
forked, imports the learner's few files, and takes over the listening socket that it inherits. A child that does not
start changes nothing: its traceback is the answer, and the old one goes on.

The pod's own code is in the working directory. On the supervisor's port: `GET /code` (the digest in force, and how many
swaps there were), `POST /code` ({"digest": …, "files": {path: text}}), `DELETE /code` (the pod's own code again).
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path, PurePosixPath
from typing import Any

START_SECONDS = 20.0
"""How long new code may take until it serves."""
STOP_SECONDS = 4.0
"""What the old code gets to finish; then it is killed."""
STEP_SECONDS = 0.02
BODY_LIMIT = 2 * 1024 * 1024
PRELOADED = ("asyncpg", "fastapi", "httpx", "redis.asyncio", "uvicorn", "labkit", "labkit.postgres", "labkit.redis")
"""What scenario apps stand on."""
_STARTED = "started"
_PR_SET_PDEATHSIG = 1

_log = logging.getLogger("labkit")


Serve = Callable[[socket.socket, Callable[[], None]], int]
"""Serves on a socket until SIGTERM, and calls the second argument once it does; gives the exit code."""


class NotStarted(Exception):
    """New code that does not serve; the message is its traceback, or the reason and what it logged until then."""


@dataclass(frozen=True)
class Child:
    """The process that serves, and what code it has: a folder of its own, or None for the one of the pod."""

    pid: int
    digest: str
    folder: Path | None


class _Report(logging.Handler):
    """What a child has to say until it serves: nothing but its traceback or that it has started."""

    def __init__(self, pipe: int) -> None:
        super().__init__(logging.ERROR)
        self.setFormatter(logging.Formatter("%(message)s"))
        self._pipe: int | None = pipe

    def emit(self, record: logging.LogRecord) -> None:
        self.say(self.format(record))

    def say(self, text: str) -> None:
        """Write to the supervisor; after `close` nobody listens any more."""
        if self._pipe is not None:
            os.write(self._pipe, text.encode(errors="replace")[:32768])

    def started(self) -> None:
        """It serves."""
        self.say(_STARTED)
        logging.getLogger().removeHandler(self)
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


class Supervisor:
    """One app, and the port by which its code is swapped. `digest` and the import path are the pod's own at first."""

    def __init__(self, serve: Serve, listener: socket.socket, digest: str) -> None:
        self._serve = serve
        self._listener = listener
        self._own_digest = digest
        self._child: Child | None = None
        self._stopping = False
        self.swaps = 0

    @property
    def digest(self) -> str:
        """Of the code that serves."""
        return self._child.digest if self._child else ""

    def run(self, control: socket.socket) -> int:
        """Serve until SIGTERM or until the app ends by itself; its exit code."""
        for name in PRELOADED:
            __import__(name)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        wake, woken = socket.socketpair()
        woken.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        server = _Control(control, self)
        with selectors.DefaultSelector() as ready:
            ready.register(control, selectors.EVENT_READ)
            ready.register(wake, selectors.EVENT_READ)
            try:
                self._child = self._start(self._own_digest, None)
            except NotStarted:
                return 1  # Its traceback is in the log.
            _log.info("serving on %s:%d", *self._listener.getsockname()[:2])
            while True:
                if (code := _ended(self._child.pid)) is not None:
                    return code
                if self._stopping:
                    # Or clients would wait in its queue for somebody who does not come.
                    self._listener.close()
                    return self._end(self._child)
                for key, _ in ready.select():
                    if key.fileobj is control:
                        server.handle_request()
                    else:
                        wake.recv(4096)

    def swap(self, digest: str, files: Mapping[str, str]) -> None:
        """Serve these files instead. Raises NotStarted with the traceback; then nothing has changed.

        Raises ValueError for a path that leaves the folder.
        """
        folder = Path(tempfile.mkdtemp(prefix="code-"))
        try:
            for name, text in files.items():
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts or not path.parts:
                    raise ValueError(f"files: a path must stay inside the folder, got {name!r}")
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8")
            self._replace(self._start(digest, folder))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def back(self) -> None:
        """Serve the pod's own code again. Raises NotStarted."""
        if self._child and self._child.folder:
            self._replace(self._start(self._own_digest, None))

    def _replace(self, new: Child) -> None:
        old, self._child = self._child, new
        self.swaps += 1
        if old:
            self._end(old)

    def _start(self, digest: str, folder: Path | None) -> Child:
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(reading)
            os._exit(self._be_child(digest, folder, _Report(writing)))
        os.close(writing)
        said, late = b"", False
        deadline = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as ready:
            ready.register(reading, selectors.EVENT_READ)
            while not said.endswith(_STARTED.encode()):
                late = not ready.select(max(0.0, deadline - time.monotonic()))
                more = b"" if late else os.read(reading, 65536)
                if not more:
                    break
                said += more
        os.close(reading)
        text = said.decode(errors="replace")
        if text.endswith(_STARTED):
            return Child(pid, digest, folder)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _ended(pid, wait=True)
        raise NotStarted(_why_not(text.strip(), late))

    def _be_child(self, digest: str, folder: Path | None, report: _Report) -> int:
        try:
            _die_with_parent()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            logging.getLogger().addHandler(report)
            os.environ["CODE_DIGEST"] = digest
            if folder:
                _move_to(folder)
            code = self._serve(self._listener, report.started)
        except BaseException:
            report.say(traceback.format_exc())
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        return code

    def _end(self, child: Child) -> int:
        """SIGTERM, then SIGKILL; its exit code."""
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while (code := _ended(child.pid)) is None and time.monotonic() < deadline:
            time.sleep(STEP_SECONDS)
        if code is None:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            code = _ended(child.pid, wait=True)
        if child.folder:
            shutil.rmtree(child.folder, ignore_errors=True)
        return code or 0

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True


class _Control(HTTPServer):
    """The port. One request at a time, on the thread that forks: a fork has no other threads to lose."""

    def __init__(self, control: socket.socket, supervisor: Supervisor) -> None:
        super().__init__(control.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = control
        self.supervisor = supervisor


class _Handler(BaseHTTPRequestHandler):
    server: _Control
    timeout = 5.0

    def do_GET(self) -> None:
        """The digest in force."""
        if self._known():
            self._answer(200, {"digest": self.server.supervisor.digest, "swaps": self.server.supervisor.swaps})

    def do_POST(self) -> None:
        """Other code."""
        if not self._known():
            return
        try:
            length = int(self.headers.get("Content-Length", ""))
            if length > BODY_LIMIT:
                raise ValueError(f"the body must have at most {BODY_LIMIT} bytes, got {length}")
            body = json.loads(self.rfile.read(length))
            digest, files = body["digest"], body["files"]
            if not isinstance(digest, str) or not all(isinstance(text, str) for text in files.values()):
                raise ValueError("digest must be a text, and files texts by path")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._answer(400, {"error": f"the body must be {{digest, files}}: {error}"})
            return
        self._change(lambda: self.server.supervisor.swap(digest, files))

    def do_DELETE(self) -> None:
        """The pod's own code."""
        if self._known():
            self._change(self.server.supervisor.back)

    def _change(self, change: Callable[[], None]) -> None:
        try:
            change()
        except NotStarted as error:
            self._answer(422, {"traceback": str(error)})
        except (OSError, ValueError) as error:
            self._answer(400, {"error": str(error)})
        else:
            self._answer(200, {"digest": self.server.supervisor.digest})

    def _known(self) -> bool:
        if self.path != "/code":
            self._answer(404, {"error": f"there is only /code, got {self.path}"})
        return self.path == "/code"

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """The log is the app's."""


def _why_not(said: str, late: bool) -> str:
    """Why a child does not serve: one that is `late` has said what went wrong on the way, not that it gave up."""
    if not late:
        return said or "it ended before it served, without a word"
    return f"it did not serve within {START_SECONDS:g} s" + (f"; what it logged until then:\n{said}" if said else "")


def _die_with_parent() -> None:
    """A supervisor that is killed leaves nobody behind who holds its port. Linux alone has this; labs run there."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _move_to(folder: Path) -> None:
    """Import from `folder` what was to come from the working directory, the pod's own code."""
    own = {"", str(Path.cwd())}
    sys.path[:] = [str(folder) if entry in own else entry for entry in sys.path]
    sys.dont_write_bytecode = True
    os.chdir(folder)


def _ended(pid: int, *, wait: bool = False) -> int | None:
    """The exit code of a child that has ended, as a shell would give it; None while it runs."""
    try:
        found, status = os.waitpid(pid, 0 if wait else os.WNOHANG)
    except ChildProcessError:
        return 1
    if not found:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
