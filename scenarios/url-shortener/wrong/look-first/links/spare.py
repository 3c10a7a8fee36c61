"""Asking what can be done without: it gets little time, and is left alone for a while when it fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from redis.exceptions import RedisError

FAILURES = (RedisError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
REST_SECONDS = 3.0

_log = logging.getLogger("links")


class Spare:
    def __init__(self) -> None:
        self._rest_until = 0.0

    async def ask(self, question: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """The answer, or None when there is none; time-outs are those of the client that is asked by."""
        if time.monotonic() < self._rest_until:
            return None
        try:
            return await question(*args)
        except FAILURES as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            _log.warning("left alone for %g s: %r", REST_SECONDS, error)
            return None
