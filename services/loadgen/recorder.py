"""Where every request of a run is written down: counters, history, samples for the results."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from loadgen.board import Board
from loadgen.history import HistoryWriter
from loadgen.plan import PHASES
from loadgen.results import Sample

FINAL_READS = "final_reads"
"""The phase of requests that read everything back; they are in the history and in no metric."""


OBSERVED = 0
"""The status of what was observed without a request of its own."""


class Clock:
    """Seconds after the start mark, by the monotonic clock: a wall clock that steps must not shift the load."""

    def __init__(self, mark: float) -> None:
        self._mark = mark
        self._zero = time.monotonic() + (mark - time.time())

    def now(self) -> float:
        """Seconds since the mark; negative before it."""
        return time.monotonic() - self._zero

    def unix(self, seconds: float) -> float:
        """The same moment in Unix seconds, to the microsecond."""
        return round(self._mark + seconds, 6)


class Marks(NamedTuple):
    """What checks ask of a request besides: whose it is, its fencing token, who is asked."""

    session: str | None = None
    token: float | None = None
    site: str | None = None


class Request(NamedTuple):
    """One request as the user meant it. `intended` and `sent` in seconds after the mark."""

    arrival: int
    call: int
    op: str
    key: str | None
    value: Any
    phase: str
    intended: float
    sent: float
    fault: str = ""
    """The traffic fault whose own request it is."""
    marks: Marks = Marks()


class Reply(NamedTuple):
    """What became of it. `status` is None without an answer; `result` and `error` when there is something to say."""

    outcome: str
    status: int | None = None
    result: Any = None
    error: str | None = None


class Recorder:
    """Takes down requests while the load runs."""

    def __init__(
        self, clock: Clock, board: Board, history: HistoryWriter, windows: Mapping[str, tuple[float, float]]
    ) -> None:
        self.clock = clock
        self.samples: list[Sample] = []
        self._board = board
        self.history = history
        self._ends = [(phase, windows[phase][1]) for phase in PHASES]

    def phase(self, seconds: float) -> str:
        """The phase of a moment; what comes after the drain counts as drain."""
        return next((phase for phase, end in self._ends if seconds < end), PHASES[-1])

    def offer(self, request: Request) -> None:
        """Its time has come. Raises KeyError for an operation that load.py did not declare."""
        if request.phase != FINAL_READS:
            self._board.offer(request.phase, request.op, request.fault)

    def observe(self, request: Request, result: Any) -> None:
        """Something came without a request of its own, just now; it is in the history and in no metric."""
        self._write(request, Reply("ok", OBSERVED, result), request.sent)

    def settle(self, request: Request, reply: Reply) -> None:
        """It was answered, failed or given up, just now."""
        end = self.clock.now()
        latency = max(0.0, end - request.intended)
        answered = reply.status is not None
        if request.phase != FINAL_READS:
            known = latency if answered else None
            self._board.settle(request.phase, request.op, reply.outcome, known, request.fault)
            self.samples.append(
                Sample(request.op, request.phase, request.intended, reply.outcome, known, request.fault)
            )
        self._write(request, reply, end)

    def _write(self, request: Request, reply: Reply, end: float) -> None:
        line = {
            "i": request.arrival,
            "call": request.call,
            "op": request.op,
            "key": request.key,
            "value": request.value,
            "phase": request.phase,
            "intended": self.clock.unix(request.intended),
            "sent": self.clock.unix(request.sent),
            "end": self.clock.unix(end),
            "outcome": reply.outcome,
            "status": reply.status,
            "latency": round(max(0.0, end - request.intended), 6),
        }
        extra = {"result": reply.result, "error": reply.error, "fault": request.fault or None}
        extra |= request.marks._asdict()
        self.history.write(line | {name: value for name, value in extra.items() if value is not None})
