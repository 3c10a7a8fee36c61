"""For chaostoolkit experiments: an action that waits, so that the next one begins at a moment of the clock."""

from __future__ import annotations

import time


def wait_until(moment: float) -> bool:
    """Return at `moment`, in Unix seconds."""
    time.sleep(max(0.0, moment - time.time()))
    return True
