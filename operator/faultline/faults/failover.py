"""The primary dies and a replica takes its place: writes fail until it does, and what it had not got yet is lost."""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar

from pydantic import Field

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import On, Part, PostgresAccess, PostgresFault, PostgresTarget, StoreError

STEPS, STEP_SECONDS = 50, 0.2
RECORD = "CREATE TABLE IF NOT EXISTS faultline.failover (old text); INSERT INTO faultline.failover VALUES ('{old}');"
FORGET = "DROP TABLE IF EXISTS faultline.failover;"
UNDER_WAY = "SELECT to_regclass('faultline.failover') IS NOT NULL"
RECEIVED = "SELECT pg_wal_lsn_diff(coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')"
UP_TO_DATE = """
SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= $1::text::pg_lsn
"""


class Failover(PostgresFault):
    """Crashes the primary and, `detection` later, promotes a replica and lets the edges to the primary lead there.

    The replica that got most is promoted; the old primary comes back by itself as a replica of it. Writes that were
    acknowledged and had not reached a replica are lost. The end of the fault does not fail back, which would be another
    outage: the next reset does. Until then reads by the replicas' edge are answered by the new primary and by the
    replicas that are left.
    """

    stores: ClassVar[tuple[Part, ...]] = ("postgres", "postgres-replica")

    detection: PositiveDuration = Field("3s", description="how long nobody takes writes; shorter than the fault")

    async def prepare(self, target: PostgresTarget) -> None:
        """Puts on record, in Postgres itself and on every replica, that the primary is about to go."""
        if "old" in target.state:
            return
        old = await target.leader()
        await target.do("CREATE SCHEMA IF NOT EXISTS faultline;" + FORGET + RECORD.format(old=old))
        for server in await target.replicas():
            await _until_up_to_date(target, server)
        await target.intend(old=old)

    async def hold(self, target: PostgresTarget, on: On) -> None:
        """Crash, wait, promotion; from then on nothing is held."""
        leader = await target.leader()
        await target.due()
        if leader == target.state["old"]:
            await target.demote(own=False)
            leader = ""
        on()
        if not leader:
            await asyncio.sleep(seconds(self.detection))
        target.hit([await take_over(target, leader)])
        await asyncio.Event().wait()

    async def revert(self, target: PostgresTarget) -> None:
        """Nobody is without a primary; where the crash had not come yet, it does not."""
        await target.let_go()
        if target.state:
            await take_over(target, await target.leader())

    async def felt(self, target: PostgresTarget) -> float | None:
        """1 while a write by an edge to the primary fails."""
        try:
            await target.write()
        except StoreError:
            return 1.0
        return 0.0

    @classmethod
    async def restore(cls, target: PostgresAccess) -> None:
        """The first primary is the primary again; the one that took its place copies it anew."""
        leader = await take_over(target, await target.leader())
        first = await target.first()
        if leader != first:
            [[here]] = await target.ask("SELECT pg_current_wal_lsn()::text")
            await _until_up_to_date(target, first, here)
            await target.demote(own=True)
            await target.promote(first, own=True)
            await target.lead_edges()
            await _until_all_follow(target)
        await target.do(FORGET)


async def take_over(target: PostgresAccess, leader: str) -> str:
    """Who leads, with the edges; a replica, where nobody does and a fail-over is on record. Raises StoreError."""
    if not leader:
        got = {}
        for server in await target.followers():
            [[under_way]] = await target.ask(UNDER_WAY, server=server)
            if under_way:
                [[got[server]]] = await target.ask(RECEIVED, server=server)
        if not got:
            raise StoreError("no server of Postgres takes writes")
        leader = max(sorted(got), key=lambda server: got[server])
        await target.promote(leader, own=False)
    await target.lead_edges()
    return leader


async def _until_up_to_date(target: PostgresAccess, server: str, position: str = "") -> None:
    if not position:
        [[position]] = await target.ask("SELECT pg_current_wal_lsn()::text")
    for _ in range(STEPS):
        [[there]] = await target.ask(UP_TO_DATE, position, server=server)
        if there:
            return
        await asyncio.sleep(STEP_SECONDS)
    raise StoreError(f"{server} does not get to where the primary is")


async def _until_all_follow(target: PostgresAccess) -> None:
    """Whoever was demoted has its copy of the data. Raises StoreError when that takes too long."""
    for _ in range(STEPS):
        with contextlib.suppress(StoreError):
            await target.replicas()
            return
        await asyncio.sleep(STEP_SECONDS)
    await target.replicas()
