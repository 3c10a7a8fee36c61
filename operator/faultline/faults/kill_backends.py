"""Sessions of the app die under its hands, as when a primary is restarted or an operator terminates them."""

from __future__ import annotations

import asyncio

from pydantic import Field

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import On, PostgresFault, PostgresTarget, StoreError, choose
from faultline.faults.base.postgres import DATABASE

SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE usename = 'app' AND datname = 'lab' AND application_name <> 'faultline'
ORDER BY backend_start, pid
"""
OURS = "SELECT pid FROM pg_stat_activity WHERE usename = 'app' AND application_name = 'faultline'"


class KillBackends(PostgresFault):
    """Terminates sessions of the app's role on the primary, a percentage of them each time, again and again."""

    percent: float = Field(100, gt=0, le=100, description="of the sessions that are open at that time")
    every: PositiveDuration = Field("1s", description="from one time to the next; longer than the fault is once")

    async def hold(self, target: PostgresTarget, on: On) -> None:
        """Kills, waits, kills; the probe's own session is always among them."""
        random = target.random
        await target.ask(OURS)
        await target.due()
        while True:
            pids = [pid for [pid] in await target.ask(SESSIONS)]
            doomed = choose(pids, random, count=None, percent=self.percent) if pids else []
            doomed += [pid for [pid] in await target.ask(OURS)]
            await target.ask("SELECT count(pg_terminate_backend(pid)) FROM unnest($1::int[]) pid", doomed)
            on()
            await asyncio.sleep(seconds(self.every))

    async def felt(self, target: PostgresTarget) -> float | None:
        """1 where the probe's session, which was well a moment ago, is found dead."""
        try:
            await target.ask("SELECT 1", database=DATABASE, role="app")
        except StoreError as error:
            return 1.0 if error.state in KILLED else None
        return 0.0


KILLED = ("57P01", "08003", "08006")
