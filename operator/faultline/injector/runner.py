"""Carries a plan out: each fault on and off at its time, all off when the lease is lost or someone says stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from faultline.api.run import FaultStatus
from faultline.errors import Conflict, NotFound
from faultline.faults.base import Fault
from faultline.injector.clock import Clock
from faultline.injector.edge import Edge
from faultline.injector.firewall import Firewall
from faultline.injector.journal import Journal, Replay
from faultline.injector.plan import Plan, PlannedFault
from faultline.injector.proof import Prover
from faultline.injector.record import Record
from faultline.injector.targets import Ended, RunTarget, Targets
from faultline.injector.targets.base import LEAD_SECONDS

log = logging.getLogger(__name__)

CLEAN_SECONDS = 0.5
"""How long an edge's API may take to come clean at a stop, before its process is ended."""

PROOF_SECONDS = 1.5
"""How long the answer to a plan's end waits for the probes to have seen it."""

END_SECONDS = 1.5
"""How long a plan's end waits for its faults to be reverted. Those that are not by then are tried on, and until they
are gone the plan is alive and no other is taken."""

LOOK_SECONDS = 0.4
"""Between two looks at whether the toxics of faults that are on are still there."""

AGAIN_SECONDS = 0.25
"""Between two tries to revert a fault."""


class Runner:
    """Holds at most one plan. All methods run on the event loop."""

    def __init__(
        self,
        edges: Mapping[str, Edge],
        firewall: Firewall,
        targets: Targets,
        prover: Prover,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._edges = edges
        self._firewall = firewall
        self._targets = targets
        self._prover = prover
        self._journal = journal
        self._clock = clock
        self._plan: Plan | None = None
        self._record = Record({}, journal, clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._proofs: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._over = True
        self.stopped = False
        """Whether somebody ended the plan that is held before its time, by a stop."""
        self.lease_expires = 0.0

    @property
    def run(self) -> str:
        """The run whose plan is held, empty without one."""
        return self._plan.run if self._plan else ""

    @property
    def alive(self) -> bool:
        """Whether the plan may still disturb something."""
        return not self._over

    @property
    def statuses(self) -> list[FaultStatus]:
        """Each fault's record."""
        return list(self._record.statuses.values())

    @property
    def active(self) -> set[str]:
        """The names of the faults that are on."""
        return set(self._record.active)

    @property
    def owned(self) -> set[str]:
        """The faults that this runner still has to end, as `RUN/FAULT`."""
        return set() if self._over else {f"{self.run}/{name}" for name in self._record.intents}

    async def load(self, plan: Plan) -> None:
        """Puts a plan on record and starts it. Raises Conflict (FL420) while another one lives."""
        if self.alive:
            raise Conflict(
                "FL420", f"the plan of run {self.run} is still alive", "end it, or wait for its lease to expire"
            )
        self._clock.anchor()
        self._over = False
        expires = self._clock.now() + plan.lease_seconds
        try:
            await self._journal.begin(plan, expires, self._clock.now())
        except BaseException:
            self._over = True
            raise
        self._begin(plan, expires, {fault.name: fault.status() for fault in plan.faults})

    async def resume(self, replay: Replay) -> None:
        """Goes on with what an injector before this one left, or closes its books when the lease is lost."""
        now = self._clock.now()
        if replay.over or replay.lease_expires <= now:
            if not replay.over:
                log.warning("run %s lost its lease while the injector was down", replay.plan.run)
            owed = {name for name in replay.intents if not replay.over and not replay.statuses[name].reverted}
            # Toxics died with it; this is the first moment at which somebody can say so.
            ended = {
                name: status.model_copy(update={"reverted": now})
                if status.applied and not status.reverted and name not in owed
                else status
                for name, status in replay.statuses.items()
            }
            self._plan = replay.plan
            self._record = Record(ended, self._journal, self._clock, replay.intents, self.run)
            if owed:
                self._over = False
                self._begin(replay.plan, replay.lease_expires, ended, replay.intents)
            elif not replay.over:
                await self._journal.over(now)
            return
        log.warning("going on with run %s after %.2f s", replay.plan.run, now - replay.written)
        self._over = False
        lost = {}
        for planned in replay.plan.faults:
            status = replay.statuses[planned.name]
            if status.applied and not status.reverted and not planned.fault().outlives_injector:
                gap = status.gap + now - max(replay.written, status.applied)
                status = status.model_copy(update={"gap": gap})
            lost[planned.name] = status
        self._begin(replay.plan, replay.lease_expires, lost, replay.intents)

    def renew(self, run: str) -> float:
        """Renews the lease; when it expires now. Raises NotFound (FL220) without a live plan of that run."""
        if not self.alive or run != self.run or self._plan is None:
            raise NotFound("FL220", f"run {run} has no live plan here")
        self.lease_expires = self._clock.now() + self._plan.lease_seconds
        self._journal.lease(self.lease_expires, self._clock.now())
        return self.lease_expires

    async def forget(self, run: str) -> list[FaultStatus]:
        """Ends a run's faults and gives their final records; again is fine. Raises NotFound (FL220) for another run."""
        if run != self.run:
            raise NotFound("FL220", f"run {run} has no plan here")
        await self._end()
        # Where a fault's end has still to be seen, its record is worth a moment.
        if self._proofs:
            await asyncio.wait(self._proofs, timeout=PROOF_SECONDS)
        return self.statuses

    async def stop(self) -> list[str]:
        """Ends everything on every edge, whatever hangs; the names of the faults that were on."""
        self.stopped = self.stopped or self.alive
        return await self._stop()

    async def _stop(self) -> list[str]:
        active = sorted(self._record.active)
        self._ended.set()
        # Not one after the other: a fault's own revert may be stuck in a call that ending the process cuts short.
        await asyncio.gather(
            self._end(), self._firewall.clear(), *(edge.clean(CLEAN_SECONDS) for edge in self._edges.values())
        )
        return active

    def _begin(
        self,
        plan: Plan,
        expires: float,
        statuses: dict[str, FaultStatus],
        intents: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self._plan, self.lease_expires, self.stopped = plan, expires, False
        self._record = Record(statuses, self._journal, self._clock, intents, plan.run)
        self._ended = asyncio.Event()
        if expires <= self._clock.now():
            self._ended.set()
        self._forget_proofs()
        self._tasks = []
        for planned in plan.faults:
            if statuses[planned.name].reverted:
                continue
            fault = planned.fault()
            target = self._targets.make(planned, fault, self._record, self._ended)
            self._tasks.append(asyncio.create_task(self._conduct(planned, fault, target), name=f"fault {planned.name}"))
            proof = self._prover.prove(planned, fault, target, self._record, self._ended)
            self._proofs.append(asyncio.create_task(proof, name=f"proof {planned.name}"))
        self._closing = asyncio.create_task(self._see_out(), name="lease")
        self._guard = asyncio.create_task(self._see_to_toxics(), name="guard")

    def _forget_proofs(self) -> None:
        for proof in self._proofs:
            proof.cancel()
        self._proofs = []

    async def close(self) -> None:
        """Ends everything, the probes included; what cannot be ended now is the next injector's business."""
        await self._stop()
        left = [*self._proofs, *self._tasks, *(each for each in (self._closing, self._guard) if each)]
        self._proofs = []
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _end(self) -> None:
        self._ended.set()
        if self._closing:
            await asyncio.wait({self._closing}, timeout=END_SECONDS)

    async def _see_out(self) -> None:
        """Waits for the plan's end or for its lease's, and closes the books once every fault is gone."""
        while not await self._ended_by(self.lease_expires):
            if self.lease_expires <= self._clock.now():
                # Nobody may come for this plan any more: it makes way by itself.
                log.warning("run %s lost its lease", self.run)
                self._ended.set()
        await asyncio.gather(*self._tasks)
        self._over = True
        await self._journal.over(self._clock.now())

    async def _see_to_toxics(self) -> None:
        """Notes when somebody else takes a toxic off: the run must not be graded as if the fault had been on."""
        before: dict[str, str | None] = {}
        while self.alive:
            await asyncio.sleep(LOOK_SECONDS)
            on = {self._record.statuses[name].edge for name in self._record.active} & set(self._edges)
            found = {name: await self._edges[name].spoilt() for name in on}
            for name in list(self._record.active):
                status = self._record.statuses[name]
                text = found.get(status.edge)
                if text and text == before.get(status.edge) and not status.error:
                    log.error("fault %s: %s", name, text)
                    self._record.note(name, error=f"{text} by somebody else while it was on")
            before = found

    async def _conduct(self, planned: PlannedFault, fault: Fault, target: RunTarget) -> None:
        """One fault from its start to its end."""
        # An injector before this one may have begun it.
        on_now = bool(self._record.intents.get(planned.name))
        try:
            for on, off in fault.windows(planned.end - planned.start):
                if planned.start + off <= self._clock.now():
                    continue
                if await self._ended_by(planned.start + on - target.lead):
                    break
                on_now = True
                await self._on(planned, fault, target, planned.start + on)
                await self._ended_by(planned.start + off - LEAD_SECONDS)
                await self._off(planned, fault, target, planned.start + off)
                on_now = False
        except Ended:
            log.info("fault %s: the plan ended before its moment", planned.name)
        except Exception as error:
            # Whatever a fault does wrong, it ends and its run hears of it.
            self._note_error(planned, error)
        if on_now:
            await self._off(planned, fault, target, 0.0)
        if self._record.statuses[planned.name].applied:
            self._record.note(planned.name, reverted=target.done or self._clock.now(), gap=self._gap(planned))
        self._record.finish(planned.name)

    def _note_error(self, planned: PlannedFault, error: Exception) -> None:
        log.error("fault %s failed", planned.name, exc_info=error)
        self._record.note(planned.name, error=f"{type(error).__name__}: {error}"[:500])

    async def _on(self, planned: PlannedFault, fault: Fault, target: RunTarget, moment: float) -> None:
        target.moment, target.done = moment, 0.0
        self._record.active.add(planned.name)
        await fault.apply(target)
        if fault.family == "none":
            await self._ended_by(moment)
        if not self._record.statuses[planned.name].applied:
            self._record.note(planned.name, applied=target.done or self._clock.now())

    async def _off(self, planned: PlannedFault, fault: Fault, target: RunTarget, moment: float) -> None:
        if fault.family != "edge":
            await self._ended_by(moment)
        # Cut short by stop or lease: off at once, not at the planned moment.
        target.moment, target.done = 0.0 if self._ended.is_set() else moment, 0.0
        told = False
        while True:
            try:
                await fault.revert(target)
                break
            except Exception as error:
                # It is not gone, and nobody but us makes it go: again, until it is.
                if not told:
                    self._note_error(planned, error)
                told = True
                await asyncio.sleep(AGAIN_SECONDS)
        self._record.active.discard(planned.name)

    def _gap(self, planned: PlannedFault) -> float:
        status = self._record.statuses[planned.name]
        if not planned.edge or status.applied is None:
            return status.gap
        return status.gap + self._edges[planned.edge].down_within(status.applied, self._clock.now())

    async def _ended_by(self, moment: float) -> bool:
        """Waits for the end of the plan, at most until `moment`; whether it has ended."""
        try:
            async with asyncio.timeout(max(0.0, moment - self._clock.now())):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True
