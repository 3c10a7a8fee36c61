"""Faults on Postgres, made by sessions of its superuser past the edges."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Literal, Protocol, Self

from pydantic import Field, model_validator

from faultline.faults.base.fault import Family, Part
from faultline.faults.base.share import choose
from faultline.faults.base.store import HeldFault, StoreError, StoreTarget

PRIMARY = "primary"
"""Whoever takes writes."""
DATABASE = "lab"
"""The apps'."""
SCHEMA = "faultline"
"""Ours, in each database where a fault keeps something."""
BEAT = "INSERT INTO faultline.beat VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
STALE_SECONDS = 0.5
"""A replica that is this much behind is felt to be; beats come ten times a second."""

FIRST_BEATS, BEAT_SECONDS = 8, 0.1

Rows = Sequence[Sequence[Any]]
Role = Literal["admin", "app"]


class Session(Protocol):
    """One connection."""

    @property
    def lost(self) -> asyncio.Event:
        """Set when the connection is gone."""

    async def ask(self, query: str, *values: Any) -> Rows:
        """The rows of one statement. Raises StoreError."""


class PostgresAccess(Protocol):
    """The servers: `primary`, or a replica's own name."""

    async def replicas(self) -> list[str]:
        """The replicas' names, sorted. Raises StoreError when one that should be there is not."""

    async def followers(self) -> list[str]:
        """The servers that answer and follow another, sorted."""

    async def first(self) -> str:
        """The own name of the server that the lab made the primary. Raises StoreError while it does not answer."""

    async def leader(self) -> str:
        """The name of the server that takes writes; empty when there is none. After a fail-over `primary` means it."""

    async def demote(self, server: str = PRIMARY, *, own: bool) -> None:
        """Stop a server as a crash would, and have it come back as a replica of whoever leads then.

        `own` says whether replica is what the lab made it. Raises StoreError; one that is stopped already is fine.
        """

    async def promote(self, server: str, *, own: bool) -> None:
        """Make a replica the leader. `own` says whether that is what the lab made it. Raises StoreError."""

    async def lead_edges(self) -> None:
        """Let every edge to the primary lead to the leader. Raises StoreError where there is none."""

    async def ask(
        self, query: str, *values: Any, server: str = PRIMARY, database: str = "postgres", role: Role = "admin"
    ) -> Rows:
        """The rows of one statement on a connection that is kept. Raises StoreError, after 1 s at the latest."""

    async def do(self, block: str, *, server: str = PRIMARY, database: str = "postgres", role: Role = "admin") -> None:
        """Runs PL/pgSQL statements in one transaction. Raises StoreError, after 5 s at the latest."""


class PostgresTarget(PostgresAccess, StoreTarget, Protocol):
    """What the injector offers faults on Postgres."""

    async def write(self) -> None:
        """A new connection of the app's role by an edge to the primary, and a write. Raises StoreError, within 1 s."""

    def session(
        self,
        *,
        server: str = PRIMARY,
        database: str = "postgres",
        role: Role = "admin",
        settings: dict[str, str] | None = None,
    ) -> AbstractAsyncContextManager[Session]:
        """A connection of its own. Postgres itself ends it at `until`, and soon after the injector is gone."""

    def guarded(
        self, key: str, undo: str, *, server: str = PRIMARY, database: str = "postgres"
    ) -> AbstractAsyncContextManager[asyncio.Event]:
        """A dead man's switch: within the block, and for as long as its injector lives, `undo` is not done.

        `undo` is PL/pgSQL that is safe to run again. Postgres itself runs it as soon as nobody holds `key` on that
        server any more: at the end of the block, when the injector's connection is gone, or at `until`. Blocks with one
        key add up: the last one's end counts. Gives an event that is set when the guard is lost.
        """

    def crowd(self) -> AbstractAsyncContextManager[Callable[[int], Awaitable[None]]]:
        """Gives what opens so many idle connections more, or as many as there is place for.

        They are those of a role of its own, which is no superuser, and end with the block.
        """


class PostgresFault(HeldFault):
    """A fault on the primary, unless it says otherwise."""

    family: ClassVar[Family] = "postgres"
    stores: ClassVar[tuple[Part, ...]] = ("postgres",)

    @classmethod
    async def restore(cls, target: PostgresAccess) -> None:
        """Put right what an earlier fault of this type may have left; nothing is fine. No run is under way."""


class ReplicaFault(PostgresFault):
    """A fault on some or all replicas that lets them fall behind."""

    stores: ClassVar[tuple[Part, ...]] = ("postgres", "postgres-replica")

    replicas: int | None = Field(None, ge=1, le=4, description="how many replicas; all when left out")
    percent: float | None = Field(None, gt=0, le=100, description="a percentage of the replicas instead")

    @model_validator(mode="after")
    def _one_share(self) -> Self:
        if self.replicas is not None and self.percent is not None:
            raise ValueError(f"percent must be left out with replicas, got {self.percent:g}")
        return self

    async def prepare(self, target: PostgresTarget) -> None:
        """Chooses the replicas, and makes what `staleness` reads."""
        target.hit(await self.chosen(target))
        await target.ask(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        await target.ask(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.beat (id int PRIMARY KEY, at float8 NOT NULL)")
        # A replica that is paused before it has the first beat could not be judged.
        for _ in range(FIRST_BEATS):
            if await self.staleness(target, 0.0) is not None:
                break
            await asyncio.sleep(BEAT_SECONDS)

    async def chosen(self, target: PostgresTarget) -> list[str]:
        """By the fault's seed."""
        percent = 100.0 if self.replicas is None and self.percent is None else self.percent
        return choose(await target.replicas(), target.random, count=self.replicas, percent=percent)

    async def staleness(self, target: PostgresTarget, least: float) -> float | None:
        """Seconds by which the chosen replicas' data are older than the primary's, on the mean; 0 below `least`.

        A row that is written at the primary ten times a second is read at each of them.
        """
        try:
            await target.ask(BEAT, target.now())
            ages = [await self._age(target, server) for server in await self.chosen(target)]
        except StoreError:
            return None
        age = sum(ages) / len(ages)
        return age if age >= least else 0.0

    @staticmethod
    async def _age(target: PostgresTarget, server: str) -> float:
        found = await target.ask(f"SELECT at FROM {SCHEMA}.beat", server=server)  # noqa: S608 a constant
        if not found:
            raise StoreError(f"{server} has no beat yet")
        return target.now() - float(found[0][0])
