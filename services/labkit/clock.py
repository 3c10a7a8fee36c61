"""The lab's clock: what a service that cares for the time asks, so that faults can step it or let it run fast or slow.

    from labkit import clock

    expires = clock.now() + 30          # Unix seconds
    created = clock.today()             # the same as an aware datetime

A fault shifts the clock of one process over HTTP (PUT /faultline/clock) for a few seconds at a time and renews that:
left alone, the clock is right again by itself. `time.monotonic()` is not shifted: a step of the wall clock leaves it
alone on real machines too, which is what it is for.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import BaseModel, Field

MOST_SECONDS = 10.0


class Shift(BaseModel):
    """A fault's shift: `offset` seconds at once, and a clock that runs `rate` times as fast, `elapsed` seconds ago.

    It holds for `seconds`, and is renewed by sending it again.
    """

    name: str = Field(min_length=1, max_length=40)
    offset: float = Field(0.0, ge=-86400, le=86400)
    rate: float = Field(1.0, ge=0, le=10)
    elapsed: float = Field(0.0, ge=0, le=3600)
    seconds: float = Field(gt=0, le=MOST_SECONDS)


class _Held(NamedTuple):
    """A shift on the monotonic clock."""

    offset: float
    rate: float
    since: float
    until: float


_shifts: dict[str, _Held] = {}


def now() -> float:
    """Unix seconds, as this process sees them."""
    return time.time() + offset()


def today() -> datetime:
    """The same moment as a datetime in UTC."""
    return datetime.fromtimestamp(now(), UTC)


def offset() -> float:
    """Seconds by which this process' clock is ahead of the machine's."""
    at = time.monotonic()
    return sum(each.offset + (each.rate - 1) * (at - each.since) for each in _shifts.values() if at < each.until)


def shift(wanted: Shift) -> None:
    """Shift this process' clock, or renew that; a shift that goes on keeps its beginning, so that nothing jitters."""
    at = time.monotonic()
    held = _shifts.get(wanted.name)
    since = held.since if held and at < held.until else at - wanted.elapsed
    _shifts[wanted.name] = _Held(wanted.offset, wanted.rate, since, at + wanted.seconds)


def unshift(name: str) -> None:
    """End a shift; none is fine."""
    _shifts.pop(name, None)
