"""Whether a fault was felt on the data path, from when, how much, and when it no longer was."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from faultline.api.run import FaultStatus
from faultline.api.sample import Outcome, Sample
from faultline.faults.base import EdgeFault, Fault, FeltFault
from faultline.injector.clock import Clock
from faultline.injector.config import Config
from faultline.injector.plan import PlannedFault
from faultline.injector.probe import PERIOD_SECONDS, Prober
from faultline.injector.record import Record
from faultline.injector.targets import RunTarget

log = logging.getLogger(__name__)

EARLY_SECONDS = 2.0
"""How long before a fault its edge is probed, to know what is usual."""
CLEAR_SECONDS = 5.0
"""How long after its end a fault may still be felt; what is not gone by then has no cleared time."""
CLEAR_STEP_SECONDS = 0.1
FELT_SECONDS = 1.5
"""Longest time for one look at whether a fault is felt; one that takes longer says nothing."""


class Proof:
    """Listens to an edge's probe on behalf of one fault."""

    def __init__(self, name: str, fault: EdgeFault, record: Record) -> None:
        self._name = name
        self._fault = fault
        self._record = record
        self._measured: list[float] = []
        self.cleared = asyncio.Event()
        self.judged = False
        """Whether any request could be judged while the fault was on."""

    def hear(self, sample: Sample, usual: float | None) -> None:
        """Takes one sample through the edge."""
        status = self._record.statuses[self._name]
        if status.applied is None:
            return
        if status.reverted is None or sample.sent < status.reverted:
            self._judge_onset(status, sample, usual)
        elif (
            status.cleared is None and sample.outcome is not Outcome.PENDING and not self._record.others_on(self._name)
        ):
            self._judge_end(sample, usual)

    @property
    def depth(self) -> float | None:
        """What the fault's measure was on the mean while it was on."""
        return sum(self._measured) / len(self._measured) if self._measured else None

    def _judge_onset(self, status: FaultStatus, sample: Sample, usual: float | None) -> None:
        if usual is None or status.applied is None:
            # The dependency gives no answers by itself: nothing can be said of the edge.
            return
        self.judged = True
        ended = sample.sent + sample.seconds
        if ended < status.applied:
            return
        felt = self._fault.effect(sample, usual)
        # Where the fault came or went meanwhile, only having felt it says something.
        within = sample.sent >= status.applied and (status.reverted is None or ended <= status.reverted)
        if sample.outcome is not Outcome.PENDING and (felt or within):
            self._measured.append(self._fault.measure(sample, usual))
        if felt and status.observed is None:
            self._record.note(self._name, observed=max(sample.sent, status.applied))

    def _judge_end(self, sample: Sample, usual: float | None) -> None:
        # Where the dependency itself gives no answers, being no worse than the way past the edge is all one can see. A
        # probe that lost its connection to the fault may find a server that is full by then: that is the app's doing.
        well = sample.reached and not self._fault.effect(sample, usual or 0.0)
        if well or usual is None:
            self._record.note(self._name, cleared=sample.sent + sample.seconds)
            self.cleared.set()


class Feeling:
    """Asks a fault on no edge whether it is felt, ten times a second, until it is seen to be gone."""

    def __init__(
        self, planned: PlannedFault, fault: FeltFault, target: RunTarget, record: Record, clock: Clock
    ) -> None:
        self._name = planned.name
        self._fault = fault
        self._target = target
        self._record = record
        self._clock = clock
        self._measured: list[float] = []
        self.over = False
        """The end was seen."""

    @property
    def depth(self) -> float | None:
        """What was felt on the mean while it was on."""
        return sum(self._measured) / len(self._measured) if self._measured else None

    async def run(self) -> None:
        """Asks until the end is seen, or `clear_seconds` are over. A failure counts against the fault."""
        finished = self._record.finished[self._name]
        try:
            while not self.over and not self._too_late(finished):
                asked = self._clock.now()
                felt = None
                try:
                    async with asyncio.timeout(FELT_SECONDS):
                        felt = await self._fault.felt(self._target)
                except TimeoutError:
                    log.warning("a look at fault %s took longer than %g s", self._name, FELT_SECONDS)
                if felt is not None:
                    self._judge(asked, felt)
                await asyncio.sleep(max(0.0, asked + PERIOD_SECONDS - self._clock.now()))
        except Exception as error:
            # Not seen is not gone: the run hears of it, and the fault itself ends all the same.
            log.exception("the proof of fault %s failed", self._name)
            self._record.note(self._name, error=f"its proof: {type(error).__name__}: {error}"[:500])
            await finished.wait()

    def _too_late(self, finished: asyncio.Event) -> bool:
        status = self._record.statuses[self._name]
        if not finished.is_set():
            return False
        return status.reverted is None or self._clock.now() > status.reverted + self._fault.clear_seconds

    def _judge(self, asked: float, felt: float) -> None:
        status = self._record.statuses[self._name]
        if status.applied is None:
            return
        if status.reverted is None or asked < status.reverted:
            # One that began before the fault and felt it all the same was under way when it came.
            if asked >= status.applied or felt:
                self._measured.append(felt)
            if felt and status.observed is None:
                self._record.note(self._name, observed=max(asked, status.applied))
        elif not felt:
            self._record.note(self._name, cleared=self._clock.now())
            self.over = True


class Prover:
    """Watches each fault of a plan from before its start until it is seen to be gone."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._edges = {edge.name: edge for edge in config.edges}
        self._config = config
        self._clock = clock
        self._probers: dict[tuple[str, str], Prober] = {}

    async def prove(
        self, planned: PlannedFault, fault: Fault, target: RunTarget, record: Record, ended: asyncio.Event
    ) -> None:
        """Fills in observed, depth and cleared, then lets the target go. The control has nothing to prove."""
        early = planned.start - EARLY_SECONDS - self._clock.now()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), max(0.0, early))
        try:
            if isinstance(fault, EdgeFault):
                await self._prove_edge(planned, fault, record)
            elif isinstance(fault, FeltFault):
                feeling = Feeling(planned, fault, target, record, self._clock)
                await feeling.run()
                record.note(planned.name, depth=feeling.depth)
            await record.finished[planned.name].wait()
        finally:
            await target.close()

    async def _prove_edge(self, planned: PlannedFault, fault: EdgeFault, record: Record) -> None:
        proof = Proof(planned.name, fault, record)
        async with self._prober(planned.edge, fault.question).watching(proof.hear):
            await record.finished[planned.name].wait()
            applied = record.statuses[planned.name].applied
            if applied and not proof.judged:
                # An app that hangs all the while must fail by its objectives, not escape as a fault that nobody felt:
                # that Toxiproxy gave the toxics back as they were asked for has to do.
                log.warning("fault %s: what is behind %s gave no answers by itself", planned.name, planned.edge)
                record.note(planned.name, observed=applied)
            if record.statuses[planned.name].applied:
                await self._clear(planned.name, proof, record)
            record.note(planned.name, depth=proof.depth)

    async def _clear(self, name: str, proof: Proof, record: Record) -> None:
        """Waits until the fault is seen to be gone; its time runs only while no other fault is on its edge."""
        left = CLEAR_SECONDS
        while left > 0 and not proof.cleared.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(proof.cleared.wait(), CLEAR_STEP_SECONDS)
            left -= 0.0 if record.others_on(name) else CLEAR_STEP_SECONDS

    def _prober(self, edge: str, kind: str) -> Prober:
        """Faults on one edge share a prober when they ask the same."""
        key = edge, kind
        if key not in self._probers:
            self._probers[key] = Prober(self._edges[edge], self._config, self._clock, kind)
        return self._probers[key]
