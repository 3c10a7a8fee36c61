"""A lock between commands: a file in the folder that is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faultline.errors import Conflict

PATIENCE_SECONDS = 10.0


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file at `path`; `what` is named in the error.

    Raises Conflict (FL402) when another command holds it for over PATIENCE_SECONDS.
    """
    from filelock import FileLock, Timeout  # it brings asyncio, which commands that lock nothing do without

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=PATIENCE_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        message = f"another command has worked on {what} for over {PATIENCE_SECONDS:g} s"
        raise Conflict("FL402", message, "wait for it, or end it") from error
    try:
        yield
    finally:
        lock.release()
