"""A circuit breaker: after some failures in a row nothing is tried for a while, and then one call at a time."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Opens after `failures` in a row. Open, it lets one call through every `rest_seconds`; a success closes it."""

    def __init__(self, failures: int, rest_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._failures = failures
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._in_a_row = 0
        self._next_probe = 0.0

    def allows(self) -> bool:
        """Whether a call may be made now; who gets a yes reports how it went."""
        if self._in_a_row < self._failures:
            return True
        if self._clock() < self._next_probe:
            return False
        self._next_probe = self._clock() + self._rest_seconds
        return True

    def succeeded(self) -> None:
        self._in_a_row = 0

    def failed(self) -> None:
        self._in_a_row += 1
        self._next_probe = self._clock() + self._rest_seconds
