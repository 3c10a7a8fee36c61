"""The counters of a run, in a file that both processes map.

Locust's process counts in it (a few float additions for a request); the control process reads it whenever Prometheus
scrapes. So a scrape is never late, costs the load nothing, and still gets its answer after that process is gone.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from loadgen.plan import OUTCOMES, PHASES

BUCKETS = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0),
)
"""Upper limits in seconds; the last bucket, +Inf, goes without saying."""

CLIENTS = ""
"""Whose requests are not a fault's own."""

_OFFERED = 0
_OUTCOME = {outcome: 1 + index for index, outcome in enumerate(OUTCOMES)}
_SUM = 1 + len(OUTCOMES)
_BUCKET = _SUM + 1
_STRIDE = _BUCKET + len(BUCKETS) + 1


_GATE = 6
_UNTIL, _CLOSED, _ARMED, _DUE, _SENT, _LAST = range(_GATE)


class Gate(NamedTuple):
    """A traffic fault as the load generator sees it; times in Unix seconds.

    It is open `until` a moment that the injector keeps moving: a fault whose injector is gone ends by itself. `armed`
    requests met it open, `due` of them were to be made its effect, and `sent` of these had it, the last one at `last`.
    """

    until: float
    closed: float
    armed: int
    due: int
    sent: int
    last: float


class Board:
    """One row of counters for each fault with requests of its own (and for the clients), phase and operation.

    All are 0 at first. Behind them each traffic fault has its gate.
    """

    def __init__(self, path: Path, ops: Sequence[str], faults: Sequence[str] = ()) -> None:
        self.ops = tuple(ops)
        self.faults = tuple(faults)
        rows = [(fault, phase, op) for fault in (CLIENTS, *faults) for phase in PHASES for op in self.ops]
        self._rows = {row: index * _STRIDE for index, row in enumerate(rows)}
        self._gates = {fault: len(rows) * _STRIDE + index * _GATE for index, fault in enumerate(faults)}
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), self._size(ops, faults))
        self._cells: memoryview[float] = memoryview(self._map).cast("d")

    @classmethod
    def create(cls, path: Path, ops: Sequence[str], faults: Sequence[str] = ()) -> Self:
        """A new board, all 0."""
        path.write_bytes(bytes(cls._size(ops, faults)))
        return cls(path, ops, faults)

    @staticmethod
    def _size(ops: Sequence[str], faults: Sequence[str]) -> int:
        return ((1 + len(faults)) * len(PHASES) * len(ops) * _STRIDE + len(faults) * _GATE) * 8

    def offer(self, phase: str, op: str, fault: str = CLIENTS) -> None:
        """Count a request at its intended start."""
        self._cells[self._rows[fault, phase, op] + _OFFERED] += 1

    def settle(self, phase: str, op: str, outcome: str, latency: float | None, fault: str = CLIENTS) -> None:
        """Count what became of a request; `latency` (seconds) when it was answered."""
        row = self._rows[fault, phase, op]
        self._cells[row + _OUTCOME[outcome]] += 1
        if latency is not None:
            self._cells[row + _SUM] += latency
            self._cells[row + _BUCKET + bisect_left(BUCKETS, latency)] += 1

    def offered(self, phase: str, op: str, fault: str = CLIENTS) -> float:
        """Requests whose time came."""
        return self._cells[self._rows[fault, phase, op] + _OFFERED]

    def settled(self, phase: str, op: str, outcome: str, fault: str = CLIENTS) -> float:
        """Requests with this outcome."""
        return self._cells[self._rows[fault, phase, op] + _OUTCOME[outcome]]

    def latencies(self, phase: str, op: str, fault: str = CLIENTS) -> tuple[list[float], float]:
        """Answered requests by bucket (not cumulative; the last is +Inf), and the sum of their latencies."""
        row = self._rows[fault, phase, op]
        return list(self._cells[row + _BUCKET : row + _STRIDE]), self._cells[row + _SUM]

    def counts(self, fault: str = CLIENTS) -> dict[str, dict[str, int]]:
        """Outcomes by operation, over all phases."""
        return {
            op: {outcome: int(sum(self.settled(phase, op, outcome, fault) for phase in PHASES)) for outcome in OUTCOMES}
            for op in self.ops
        }

    def gate(self, fault: str) -> Gate:
        """A fault's gate. Raises KeyError for a fault that the plan does not have."""
        at = self._gates[fault]
        until, closed, armed, due, sent, last = self._cells[at : at + _GATE]
        return Gate(until, closed, int(armed), int(due), int(sent), last)

    def move(self, fault: str, until: float, now: float) -> None:
        """Open a gate until then, or close it; Unix seconds."""
        at = self._gates[fault]
        if until <= now < self._cells[at + _UNTIL]:
            self._cells[at + _CLOSED] = now
        self._cells[at + _UNTIL] = until

    def open(self, fault: str, now: float) -> bool:
        """Whether a gate is open at `now` (Unix seconds)."""
        return now < self._cells[self._gates[fault] + _UNTIL]

    def arm(self, fault: str, due: bool, met: bool = True) -> None:
        """A request met the gate open, or not; `due`: it was to have the fault's effect."""
        at = self._gates[fault]
        self._cells[at + _ARMED] += met
        self._cells[at + _DUE] += due

    def sent(self, fault: str, now: float) -> None:
        """A request that had the fault's effect was sent, just now (Unix seconds)."""
        at = self._gates[fault]
        self._cells[at + _SENT] += 1
        self._cells[at + _LAST] = now

    def close(self) -> None:
        """Let go of the file."""
        self._cells.release()
        self._map.close()
