"""Starts each arrival at its time, whatever became of those before it: the load is open."""

from __future__ import annotations

import logging
import random
import time
import traceback
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Group

from loadgen.results import quantile
from loadgen.schedule import Arrival, arrival_random
from loadgen.user import ArrivalUser, LoadEnvironment

MOST_USERS = 2000
"""Arrivals at work at once. When all are, the next one waits, which counts as dispatched late."""
CPU_WINDOW_SECONDS = 5.0
"""The busiest span of this length is what counts as the process' CPU: a mean over the run would hide it."""

_log = logging.getLogger("loadgen")


class Dispatcher:
    """Runs the arrivals of one run."""

    def __init__(
        self, environment: LoadEnvironment, users: Sequence[type[ArrivalUser]], schedule: Sequence[Arrival], seed: int
    ) -> None:
        self._environment = environment
        self._clock = environment.recorder.clock
        self._users = users
        self._weights = list(accumulate(user.weight for user in users))
        self._schedule = schedule
        self._seed = seed
        self._skipped = 0
        self._idle: dict[type[ArrivalUser], list[ArrivalUser]] = {user: [] for user in users}
        self._slots = BoundedSemaphore(MOST_USERS)
        self._group = Group()
        self._late: list[float] = []
        self._cpu = [(time.monotonic(), time.process_time())]
        self.cpu_peak = 0.0
        self.error: str | None = None
        """The traceback of the first task that raised."""

    def run(self) -> None:
        """Dispatch everything; returns when the last arrival has been started."""
        for arrival in self._schedule:
            # A timer may wake up a little early, as libev counts from a time that it took before.
            while (wait := arrival.due - self._clock.now()) > 0:
                gevent.sleep(wait)
            if not self._wanted(arrival):
                self._skipped += 1
                continue
            rng = arrival_random(arrival.fault.seed if arrival.fault else self._seed, arrival.index)
            kind = self._kind(arrival, rng)
            self._slots.acquire()
            user = self._idle[kind].pop() if self._idle[kind] else kind(self._environment)
            self._group.spawn(self._perform, user, arrival, rng)

    def _wanted(self, arrival: Arrival) -> bool:
        """What a fault adds comes only while the injector holds its gate open."""
        if arrival.fault is None:
            return True
        board = self._environment.board
        met = board.open(arrival.fault.name, self._clock.unix(self._clock.now()))
        board.arm(arrival.fault.name, due=True, met=met)
        return met

    def _kind(self, arrival: Arrival, rng: random.Random) -> type[ArrivalUser]:
        if arrival.fault and arrival.fault.hook:
            return next(user for user in self._users if hasattr(user, arrival.fault.hook))
        (kind,) = rng.choices(self._users, cum_weights=self._weights)
        return kind

    def drain(self, until: float) -> None:
        """Wait for what is in flight until `until` (seconds after the mark), then cut it off."""
        self._group.join(max(0.0, until - self._clock.now()))
        self._group.kill()

    def _perform(self, user: ArrivalUser, arrival: Arrival, rng: random.Random) -> None:
        self._late.append(self._clock.now() - arrival.due)
        user.arrive(arrival, rng)
        try:
            if arrival.fault and arrival.fault.hook:
                getattr(user, arrival.fault.hook)()
            else:
                task: Any = rng.choice(user.tasks)
                task(user)
        except Exception:
            _log.exception("a task of %s raised", type(user).__name__)
            self.error = self.error or traceback.format_exc()
        finally:
            self._idle[type(user)].append(user)
            self._slots.release()

    def sample_cpu(self) -> None:
        """To be called about once a second while the load runs."""
        self._cpu.append((time.monotonic(), time.process_time()))
        while len(self._cpu) > 2 and self._cpu[-1][0] - self._cpu[1][0] >= CPU_WINDOW_SECONDS:
            del self._cpu[0]
        (wall, cpu), (wall_before, cpu_before) = self._cpu[-1], self._cpu[0]
        if wall - wall_before >= 1.0:
            self.cpu_peak = max(self.cpu_peak, (cpu - cpu_before) / (wall - wall_before))

    def health(self) -> dict[str, float | int]:
        """Whether the generator kept its own promises. Seconds; `cpu` as a fraction of one core."""
        ordered = sorted(self._late)
        return {
            "late_p99": quantile(ordered, 0.99) if ordered else 0.0,
            "late_max": ordered[-1] if ordered else 0.0,
            "cpu": self.cpu_peak,
            "dispatched": len(ordered),
            "planned": len(self._schedule) - self._skipped,
            "locust_requests": self._environment.stats.total.num_requests,
            "locust_failures": self._environment.stats.total.num_failures,
        }
