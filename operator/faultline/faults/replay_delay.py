"""A replica applies each transaction a fixed time after the primary committed it."""

from __future__ import annotations

from contextlib import AsyncExitStack

from pydantic import Field

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import On, PostgresAccess, PostgresTarget, ReplicaFault, first
from faultline.faults.base.postgres import STALE_SECONDS

# No function can change a setting of the server, but a superuser's session may run psql next to it. The file is asked:
# a session that is under way does not see what has been loaded since.
RESET = """
IF EXISTS (SELECT FROM pg_file_settings WHERE name = 'recovery_min_apply_delay') THEN
  EXECUTE format('COPY (SELECT) TO PROGRAM %L', format(
    'psql -qXh %s -p %s -U postgres -c "ALTER SYSTEM RESET recovery_min_apply_delay" -c "SELECT pg_reload_conf()" >&2',
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port')));
END IF;
"""


class ReplayDelay(ReplicaFault):
    """Sets `recovery_min_apply_delay` on some or all replicas: a read there misses the writes of the last `delay`."""

    delay: PositiveDuration = Field(description="how far they are behind, 1s or more to be felt for sure")

    async def hold(self, target: PostgresTarget, on: On) -> None:
        """Delayed on each, behind a guard that takes the delay away."""
        wait = round(seconds(self.delay) * 1000)
        async with AsyncExitStack() as guards:
            servers = await self.chosen(target)
            lost = [
                await guards.enter_async_context(target.guarded("replay_delay", RESET, server=server))
                for server in servers
            ]
            # Into the file ahead of time, so that a busy server has one thing left to do when it is due.
            for server in servers:
                await target.ask(f"ALTER SYSTEM SET recovery_min_apply_delay = {wait}", server=server)
            await target.due()
            for server in servers:
                await target.ask("SELECT pg_reload_conf()", server=server)
            on()
            await first(lost)

    async def felt(self, target: PostgresTarget) -> float | None:
        """Seconds by which what the replicas answer is older than what the primary has."""
        return await self.staleness(target, min(STALE_SECONDS, seconds(self.delay) / 2))

    @classmethod
    async def restore(cls, target: PostgresAccess) -> None:
        """No delay anywhere."""
        for server in await target.replicas():
            await target.do(RESET, server=server)
