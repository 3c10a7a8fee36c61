"""A table is locked, as by a migration that does not end or a transaction that somebody forgot."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from faultline.faults.base import On, PostgresFault, PostgresTarget, StoreError, first
from faultline.faults.base.postgres import DATABASE

NOT_AVAILABLE = "55P03"
MODES = {"all": "ACCESS EXCLUSIVE", "writes": "EXCLUSIVE"}
CONFLICTING = {"all": "ACCESS SHARE", "writes": "ROW EXCLUSIVE"}


class LockTable(PostgresFault):
    """Holds a lock on a table in an open transaction; whoever needs the table waits.

    The lock waits its turn behind the transactions that use the table just then, and others already wait behind it.
    """

    table: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$", max_length=63)] = Field(
        description="a table of database `lab`, schema `public`"
    )
    stops: Literal["all", "writes"] = Field("all", description="what waits: reads and writes, or writes alone")

    async def prepare(self, target: PostgresTarget) -> None:
        """Finds the table. Raises StoreError when it is not there."""
        [[there]] = await target.ask("SELECT to_regclass($1)::text", f"public.{self.table}", database=DATABASE)
        if there is None:
            raise StoreError(f"table must be one of database lab, schema public, got {self.table}")
        target.hit([self.table])

    async def hold(self, target: PostgresTarget, on: On) -> None:
        """Locked in a transaction that ends with its connection."""
        async with target.session(database=DATABASE) as session:
            await session.ask("BEGIN")
            await target.due()
            await session.ask(f"LOCK TABLE public.{self.table} IN {MODES[self.stops]} MODE")
            on()
            await first([session.lost])

    async def felt(self, target: PostgresTarget) -> float | None:
        """1 while the app's role would have to wait for the table."""
        lock = f"LOCK TABLE public.{self.table} IN {CONFLICTING[self.stops]} MODE NOWAIT"
        try:
            await target.do(f"{lock};", database=DATABASE, role="app")
        except StoreError as error:
            return 1.0 if error.state == NOT_AVAILABLE else None
        return 0.0
