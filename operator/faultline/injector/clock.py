"""Unix time that runs on the monotonic clock, so that a step of the host's clock does not move a plan under way."""

from __future__ import annotations

import time


class Clock:
    """Unix seconds, anchored to the host's clock when made and whenever `anchor` is called (before a plan)."""

    def __init__(self) -> None:
        self._offset = 0.0
        self.anchor()

    def anchor(self) -> None:
        """Take the host's time as it is now."""
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix seconds."""
        return time.monotonic() + self._offset

    def wait(self, moment: float) -> None:
        """Blocks this thread until `moment`, exactly: asyncio's own timers round up to milliseconds."""
        left = moment - self.now()
        if left > 0:
            time.sleep(left)
