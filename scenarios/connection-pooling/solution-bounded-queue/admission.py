"""A limit on how many callers are inside at once, those who wait for a connection among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException


class Admission:
    """Lets `most` callers in; whoever comes then is sent away at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be inside for the block. Raises HTTPException 503 when there is no room."""
        if self._inside >= self._most:
            raise HTTPException(503, "busy, please try again", {"Retry-After": "1"})
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
