"""A replica stops applying what the primary sends: it answers as before, with data that grow older."""

from __future__ import annotations

from contextlib import AsyncExitStack

from faultline.faults.base import On, PostgresAccess, PostgresTarget, ReplicaFault, first
from faultline.faults.base.postgres import STALE_SECONDS

RESUME = "IF pg_is_in_recovery() AND pg_is_wal_replay_paused() THEN PERFORM pg_wal_replay_resume(); END IF;"


class ReplayPause(ReplicaFault):
    """Pauses WAL replay on some or all replicas. What was sent meanwhile is applied at the end."""

    async def hold(self, target: PostgresTarget, on: On) -> None:
        """Paused on each, behind a guard that resumes it."""
        async with AsyncExitStack() as guards:
            servers = await self.chosen(target)
            lost = [
                await guards.enter_async_context(target.guarded("replay_pause", RESUME, server=server))
                for server in servers
            ]
            await target.due()
            for server in servers:
                await target.ask("SELECT pg_wal_replay_pause()", server=server)
            on()
            await first(lost)

    async def felt(self, target: PostgresTarget) -> float | None:
        """Seconds by which what the replicas answer is older than what the primary has."""
        return await self.staleness(target, STALE_SECONDS)

    @classmethod
    async def restore(cls, target: PostgresAccess) -> None:
        """Replay goes on everywhere."""
        for server in await target.replicas():
            await target.do(RESUME, server=server)
