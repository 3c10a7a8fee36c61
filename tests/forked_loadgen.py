"""Locust's process of a run, forked off one that has imported Locust already.

Importing it costs a second and a half of CPU, and tests start dozens. The load generator under test is the real one and
starts the program `sys.executable`, which is ours here: it hands its standard streams and its arguments to a server,
which forks. All else is as by `python -m loadgen.child FOLDER`: a process of its own, killed when who started it kills
it, and ended as any other. That one is tested too: the first test of tests/services/test_loadgen_runs.py.
"""

from __future__ import annotations

import array
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STREAMS = 3
# To wait by the operating system's own calls: Locust puts others in the place of Python's.
FORK, WAIT, POLL = os.fork, os.waitpid, select.poll
ASK = f"""#!{sys.executable} -SIE
import os, socket, sys
there = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
there.connect(os.path.join(os.path.dirname(__file__), "server"))
socket.send_fds(there, ["\\0".join(sys.argv[1:]).encode()], range({STREAMS}))
for stream in range({STREAMS}):
    os.close(stream)
os._exit(int(there.recv(16)))
"""
AS_PYTHON = "import runpy, sys; sys.executable = sys.argv.pop(1); runpy.run_module('loadgen', run_name='__main__')"
"""To be run with the program as its argument: `python -m loadgen`, but for what it takes for Python."""


@contextmanager
def forking(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Gives a program that stands for Python's where that is to run `-m loadgen.child`."""
    program = folder / "python"
    program.write_text(ASK)
    program.chmod(0o700)
    command = [sys.executable, __file__, str(folder / "server")]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        yield program


def serve(path: str) -> list[str]:
    """Forks for everyone who asks, until our standard input ends. Returns in the forked processes: their arguments."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen()
    import loadgen.child  # noqa: F401 - for the forked ones

    os.write(1, b"ready\n")
    while listener.fileno() == first_of(listener.fileno(), 0):
        descriptor, _ = listener._accept()  # type: ignore[attr-defined]
        if FORK() == 0:
            listener.close()
            return forked(type(listener)(fileno=descriptor))
        os.close(descriptor)
    with suppress(ChildProcessError):
        while True:
            WAIT(-1, 0)
    os._exit(0)


def forked(asks: socket.socket) -> list[str]:
    """Forks once more. Returns in that process, with the streams of the program that asks; this one looks after it."""
    streams = array.array("i")
    text, ancillary, _, _ = asks.recvmsg(65536, socket.CMSG_LEN(STREAMS * streams.itemsize))
    for _, _, data in ancillary:
        streams.frombytes(data)
    if process := FORK():
        for stream in streams:
            os.close(stream)
        if first_of(asks.fileno(), os.pidfd_open(process)) == asks.fileno():
            os.kill(process, signal.SIGKILL)  # The program was killed.
        code = os.waitstatus_to_exitcode(WAIT(process, 0)[1])
        with suppress(BrokenPipeError):
            asks.send(str(code if code >= 0 else 128 - code).encode())
        os._exit(0)
    asks.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    import gevent

    gevent.reinit()
    return text.decode().split("\0")


def first_of(*descriptors: int) -> int:
    """Waits for something to read, or the other end's end; gives the first that has it."""
    waiting = POLL()
    for each in descriptors:
        waiting.register(each, select.POLLIN)
    return waiting.poll()[0][0]


if __name__ == "__main__":
    module, name, folder = serve(sys.argv[1])
    assert (module, name) == ("-m", "loadgen.child")
    from loadgen.child import main

    sys.exit(main(Path(folder)))
