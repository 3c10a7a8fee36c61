"""The primary has no connection left: who has none open already is refused."""

from __future__ import annotations

import asyncio

from faultline.faults.base import On, PostgresFault, PostgresTarget, StoreError
from faultline.faults.base.postgres import DATABASE

PERIOD_SECONDS = 0.05
TOO_MANY = "53300"

FREE = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
     - current_setting('reserved_connections')::int
     - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int
"""


class ExhaustConnections(PostgresFault):
    """Takes every free connection of the primary, and each one that becomes free, as a leaking client would.

    Connections that are open go on working: it is who opens new ones, or loses the old ones, that feels it. Superusers
    keep their reserved ones. A server with a small CPU limit takes a second to let fifty in, so three quarters of those
    that are free are taken in the two seconds before the start.
    """

    async def hold(self, target: PostgresTarget, on: On) -> None:
        """Looks twenty times a second whether there is one to take."""
        async with target.crowd() as grow:
            [[free]] = await target.ask(FREE)
            await grow(free - free // 4)
            await target.due()
            while True:
                [[free]] = await target.ask(FREE)
                if free > 0:
                    await grow(free)
                else:
                    on()
                    await asyncio.sleep(PERIOD_SECONDS)

    async def felt(self, target: PostgresTarget) -> float | None:
        """1 while a new connection of the app's role is refused for want of a place."""
        try:
            async with target.session(database=DATABASE, role="app"):
                return 0.0
        except StoreError as error:
            return 1.0 if error.state == TOO_MANY else None
