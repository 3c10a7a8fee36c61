"""What faults made of traffic ask of the load generator, and what it says of them."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from faultline.api.base import Model


class Traffic(Model):
    """What a fault does to the load; the load generator holds it from before the run and plans it ahead.

    More arrivals: `factor` times the usual ones in all, `rate` per second, or `count` in all; they do what `hook`, a
    method of load.py, does (`abuse`, `poison`), or else what clients do. `hot`: the share of requests that get the hot
    key. `retries`: how often clients send again what was not answered well, `delay` seconds after the one before.
    """

    factor: float | None = None
    rate: float | None = None
    count: int | None = None
    hook: Literal["", "abuse", "poison"] = ""
    hot: float = 0.0
    retries: int = 0
    delay: float = 0.0


class Gate(Model):
    """A traffic fault as it is going on; times in Unix seconds.

    Its gate is open `until` then, or was `closed`; 0 is never. `armed` requests met it open, `due` were to have its
    effect, and `sent` had it on the wire, the last one at `last`.
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True, frozen=True)

    until: float
    closed: float
    armed: int
    due: int
    sent: int
    last: float
