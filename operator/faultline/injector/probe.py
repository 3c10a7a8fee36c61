"""Asks the dependency behind an edge something small, ten times a second: once through the edge and once past it.

The second way tells a fault from a dependency that is slow or down by itself: a fault is what the first way feels and
the second does not. Probes run from 2 s before an edge's fault until its end is seen, and no longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import statistics
from collections import deque
from collections.abc import AsyncIterator, Callable

import asyncpg

from faultline.api.sample import Outcome, Sample
from faultline.injector.clock import Clock
from faultline.injector.config import Config, EdgeConfig, split
from faultline.injector.failures import POSTGRES_FAILURES
from faultline.injector.questions import Question, question_for

log = logging.getLogger(__name__)

PERIOD_SECONDS = 0.1
LIMIT_SECONDS = 1.0
"""How long a probe waits for an answer before it takes a new connection."""
RETRY_SECONDS = 0.02
"""Pause after a failure of the way, so that the end of a fault is seen soon."""
LOOK_SECONDS = 0.02
"""How often requests under way are looked at."""
USUAL_SAMPLES = 5

Listener = Callable[[Sample, float | None], None]
"""Called with a sample through the edge and how long the way past it takes now; None while that gives no answers."""


class Lane:
    """One way to the dependency: one connection, one request at a time."""

    def __init__(
        self, question: Question, clock: Clock, listener: Callable[[Sample], None], limit: float = LIMIT_SECONDS
    ) -> None:
        self._question = question
        self._limit = limit
        self._clock = clock
        self._listener = listener
        self._sent: float | None = None

    @property
    def pending(self) -> Sample | None:
        """The request under way."""
        if self._sent is None:
            return None
        return Sample(self._sent, self._clock.now() - self._sent, Outcome.PENDING)

    async def run(self) -> None:
        """Asks until cancelled."""
        try:
            while True:
                started = self._clock.now()
                sample = await self._ask()
                self._sent = None
                self._listener(sample)
                next_ask = started + PERIOD_SECONDS - self._clock.now()
                await asyncio.sleep(max(0.0, next_ask) if sample.reached else RETRY_SECONDS)
        finally:
            self._question.abort()

    async def _ask(self) -> Sample:
        sent = self._sent = self._clock.now()
        asking = asyncio.create_task(self._question_and_answer())
        try:
            done, _ = await asyncio.wait({asking}, timeout=self._limit)
        except asyncio.CancelledError:
            asking.cancel()
            raise
        if not done:
            # The connection goes first: a query that is only cancelled would dial the server again to say so.
            self._question.abort()
            asking.cancel()
        [result] = await asyncio.gather(asking, return_exceptions=True)
        outcome = _outcome(result) if done else Outcome.SILENT
        if outcome is not Outcome.ANSWERED:
            self._question.abort()
        sent = self._sent or sent
        question = self._question
        return Sample(sent, self._clock.now() - sent, outcome, question.sent_bytes, question.received_bytes)

    async def _question_and_answer(self) -> None:
        if not self._question.connected:
            await self._question.connect()
            # The time of connecting counts only when it does not succeed.
            self._sent = self._clock.now()
        await self._question.ask()


def _outcome(result: BaseException | None) -> Outcome:
    if result is None:
        return Outcome.ANSWERED
    if isinstance(result, asyncpg.TooManyConnectionsError):
        return Outcome.TURNED_AWAY
    if isinstance(result, ConnectionResetError):
        return Outcome.RESET
    if isinstance(result, EOFError | asyncpg.ConnectionDoesNotExistError | asyncpg.InternalClientError):
        return Outcome.CLOSED
    if not isinstance(result, POSTGRES_FAILURES):
        log.error("a probe failed in a way that it does not know: %r", result)
    return Outcome.REFUSED


class Prober:
    """Both ways of one edge with one kind of question. Runs while at least one `watching` block is open."""

    def __init__(self, edge: EdgeConfig, config: Config, clock: Clock, kind: str) -> None:
        self._edge = edge
        self._kind = kind
        self._config = config
        self._clock = clock
        self._listeners: list[Listener] = []
        self._usual: deque[float] = deque(maxlen=USUAL_SAMPLES)
        self._past_answers = False
        self._tasks: list[asyncio.Task[None]] = []
        self._through: Lane | None = None
        self._past: Lane | None = None

    @contextlib.asynccontextmanager
    async def watching(self, listener: Listener) -> AsyncIterator[None]:
        """Probes within this block."""
        self._listeners.append(listener)
        if not self._tasks:
            self._start()
        try:
            yield
        finally:
            self._listeners.remove(listener)
            if not self._listeners:
                tasks, self._tasks = self._tasks, []
                for task in tasks:
                    task.cancel()
                for task, end in zip(tasks, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
                    if not isinstance(end, asyncio.CancelledError):
                        log.error("%s failed: %r", task.get_name(), end)

    def _start(self) -> None:
        self._usual.clear()
        self._past_answers = False
        through, past = self._edge.loopback, split(self._edge.upstream)
        self._through = Lane(question_for(self._edge, self._config, through, self._kind), self._clock, self._hear)
        self._past = Lane(question_for(self._edge, self._config, past, self._kind), self._clock, self._learn)
        work = {"through": self._through.run(), "past": self._past.run(), "look": self._look()}
        self._tasks = [asyncio.create_task(each, name=f"probe {name} {self._edge.name}") for name, each in work.items()]

    @property
    def usual(self) -> float | None:
        """Seconds that the way past the edge takes, waiting included; None while it gives no answers."""
        if not self._past_answers or not self._usual:
            return None
        usual = statistics.median(self._usual)
        pending = self._past.pending if self._past else None
        return max(usual, pending.seconds) if pending else usual

    def _learn(self, sample: Sample) -> None:
        self._past_answers = sample.outcome is Outcome.ANSWERED
        if self._past_answers:
            self._usual.append(sample.seconds)

    def _hear(self, sample: Sample) -> None:
        for listener in list(self._listeners):
            listener(sample, self.usual)

    async def _look(self) -> None:
        """A request that hangs says so before it ends."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._through and (pending := self._through.pending):
                self._hear(pending)
