"""The counters of a run, in a file that both processes map.

Locust's process counts in it (a few float additions for a request); the control process reads it whenever Prometheus
scrapes. So a scrape is never late, costs the load nothing, and still gets its answer after that process is gone.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from loadgen.plan import OUTCOMES, PHASES

BUCKETS = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0),
)
"""Upper limits in seconds; the last bucket, +Inf, goes without saying."""

_OFFERED = 0
_OUTCOME = {outcome: 1 + index for index, outcome in enumerate(OUTCOMES)}
_SUM = 1 + len(OUTCOMES)
_BUCKET = _SUM + 1
_STRIDE = _BUCKET + len(BUCKETS) + 1


class Board:
    """One row of counters for each phase and operation, all 0 at first."""

    def __init__(self, path: Path, ops: Sequence[str]) -> None:
        self.ops = tuple(ops)
        rows = [(phase, op) for phase in PHASES for op in self.ops]
        self._rows = {row: index * _STRIDE for index, row in enumerate(rows)}
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), len(rows) * _STRIDE * 8)
        self._cells: memoryview[float] = memoryview(self._map).cast("d")

    @classmethod
    def create(cls, path: Path, ops: Sequence[str]) -> Self:
        """A new board, all 0."""
        path.write_bytes(bytes(len(PHASES) * len(ops) * _STRIDE * 8))
        return cls(path, ops)

    def offer(self, phase: str, op: str) -> None:
        """Count a request at its intended start."""
        self._cells[self._rows[phase, op] + _OFFERED] += 1

    def settle(self, phase: str, op: str, outcome: str, latency: float | None) -> None:
        """Count what became of a request; `latency` (seconds) when it was answered."""
        row = self._rows[phase, op]
        self._cells[row + _OUTCOME[outcome]] += 1
        if latency is not None:
            self._cells[row + _SUM] += latency
            self._cells[row + _BUCKET + bisect_left(BUCKETS, latency)] += 1

    def offered(self, phase: str, op: str) -> float:
        """Requests whose time came."""
        return self._cells[self._rows[phase, op] + _OFFERED]

    def settled(self, phase: str, op: str, outcome: str) -> float:
        """Requests with this outcome."""
        return self._cells[self._rows[phase, op] + _OUTCOME[outcome]]

    def latencies(self, phase: str, op: str) -> tuple[list[float], float]:
        """Answered requests by bucket (not cumulative; the last is +Inf), and the sum of their latencies."""
        row = self._rows[phase, op]
        return list(self._cells[row + _BUCKET : row + _STRIDE]), self._cells[row + _SUM]

    def counts(self) -> dict[str, dict[str, int]]:
        """Outcomes by operation, over all phases."""
        return {
            op: {outcome: int(sum(self.settled(phase, op, outcome) for phase in PHASES)) for outcome in OUTCOMES}
            for op in self.ops
        }

    def close(self) -> None:
        """Let go of the file."""
        self._cells.release()
        self._map.close()
