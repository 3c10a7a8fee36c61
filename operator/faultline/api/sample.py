"""What a probe on the data path felt: one request through an edge, next to the same request past it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """How a probe's request ended, or that it has not yet."""

    ANSWERED = "answered"
    TURNED_AWAY = "turned_away"
    """The dependency's own answer that it has no connection left: the way to it is well."""
    PENDING = "pending"
    SILENT = "silent"
    """Given up by the probe after its limit."""
    CLOSED = "closed"
    """The connection ended in good order before the answer was whole."""
    RESET = "reset"
    """The connection was reset (RST)."""
    REFUSED = "refused"
    """No connection, or an answer that is an error."""


class Sample(NamedTuple):
    """One request. `seconds` until its end, or so far; `sent` in Unix seconds; bytes as the probe counted them."""

    sent: float
    seconds: float
    outcome: Outcome
    sent_bytes: int = 0
    received_bytes: int = 0

    @property
    def reached(self) -> bool:
        """The dependency itself answered, if only to turn the client away."""
        return self.outcome in (Outcome.ANSWERED, Outcome.TURNED_AWAY)

    @property
    def unanswered(self) -> bool:
        """No answer and no end of the connection: silence."""
        return self.outcome in (Outcome.PENDING, Outcome.SILENT)
