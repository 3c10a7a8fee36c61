"""Postgres as faults on it act on it: sessions past the edges, and guards in Postgres itself that undo a fault."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from faultline.faults import FAULTS
from faultline.faults.base import PostgresFault, StoreError, first
from faultline.faults.base.postgres import PRIMARY, Role, Rows
from faultline.injector.clock import Clock
from faultline.injector.config import Config
from faultline.injector.edge import Edge
from faultline.injector.plan import PlannedFault
from faultline.injector.postgres import GONE, Postgres, answers
from faultline.injector.record import Record
from faultline.injector.targets.store import StoreTarget

log = logging.getLogger(__name__)

UNDO_SECONDS = 2.0
"""How long a guard may take to undo before we do it ourselves."""
READY_SECONDS = 2.0
AT_ONCE = 4
"""Connections of a crowd that are opened at the same time. More are no faster, and each would take longer."""
CROWD_ROLE = "faultline_crowd"
NO_PLACE = "53300"

# Postgres notices that a client is gone, also in the middle of a statement, or where no packet says so.
WATCHED = {
    "client_connection_check_interval": "200",
    "tcp_keepalives_idle": "1",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
}

# The injector's session has the lock in shared mode, so that faults with one key add up; the guard gets it once nobody
# has it any more. It goes on without its client, and has no transaction open while it waits.
GUARD = """
DO $guard$ BEGIN
  RAISE NOTICE 'on guard';
  WHILE NOT pg_try_advisory_xact_lock({number}) LOOP
    COMMIT;
    PERFORM pg_sleep(0.05);
  END LOOP;
  {undo}
END $guard$
"""
HELD = """
SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database()
  AND locktype = 'advisory' AND mode = 'ShareLock' AND granted AND (classid::bigint << 32) | objid::bigint = $1)
"""

# Hundreds of log-ins with the usual 4,096 rounds of hashing would take a small Postgres seconds.
CROWD = """
SET LOCAL scram_iterations = 1;
IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} LOGIN; END IF;
ALTER ROLE {role} PASSWORD '{password}';
"""


class Place(NamedTuple):
    """Where a guard stands; what is undone there is the same for all faults with that key."""

    server: str
    database: str
    key: str

    @property
    def number(self) -> int:
        """The advisory lock's, above 0."""
        return int.from_bytes(hashlib.sha256(f"faultline {self.key}".encode()).digest()[:8]) >> 1


class Session:
    """One connection; see faultline.faults.base.postgres.Session."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.lost = asyncio.Event()
        connection.add_termination_listener(lambda _: self.lost.set())

    async def ask(self, query: str, *values: Any) -> Rows:
        """The rows of one statement, however long it takes."""
        with answers():
            found: Rows = await self._connection.fetch(query, *values)
            return found


async def restore_postgres(config: Config, edges: Mapping[str, Edge] | None = None) -> None:
    """Puts right what faults of any kind may have left in Postgres. Raises StoreError."""
    found = [each for each in FAULTS.values() if issubclass(each, PostgresFault)]
    postgres = Postgres(config, edges)
    try:
        for fault in found:
            if config.parts.stores.issuperset(fault.stores):
                await fault.restore(postgres)
    finally:
        await postgres.close()


class PostgresTarget(StoreTarget):
    """See faultline.faults.base.PostgresTarget."""

    lead: ClassVar[float] = 2.0

    def __init__(
        self,
        planned: PlannedFault,
        record: Record,
        clock: Clock,
        ended: asyncio.Event,
        config: Config,
        edges: Mapping[str, Edge] | None = None,
    ) -> None:
        super().__init__(planned, record, clock, ended)
        self._config = config
        self._postgres = Postgres(config, edges)
        self._owed: dict[Place, str] = {}
        self.replicas = self._postgres.replicas
        self.ask = self._postgres.ask
        self.do = self._postgres.do
        self.followers = self._postgres.followers
        self.first = self._postgres.first
        self.write = self._postgres.write
        self.leader = self._postgres.leader
        self.demote = self._postgres.demote
        self.promote = self._postgres.promote
        self.lead_edges = self._postgres.lead_edges

    async def close(self) -> None:
        """Gives back all connections; what is still to be undone the guards undo."""
        await super().close()
        await self._postgres.close()

    async def let_go(self) -> None:
        """Ends what is kept going, and sees to it that it is undone."""
        await super().let_go()
        for place, undo in list(self._owed.items()):
            await self._settle(place, undo)
            del self._owed[place]

    @contextlib.asynccontextmanager
    async def session(
        self,
        *,
        server: str = PRIMARY,
        database: str = "postgres",
        role: Role = "admin",
        settings: dict[str, str] | None = None,
    ) -> AsyncIterator[Session]:
        """A connection of its own, which Postgres ends at `until`."""
        left = str(max(1, round((self.until - self.now()) * 1000)))
        bounds = dict.fromkeys(("idle_session_timeout", "idle_in_transaction_session_timeout", "lock_timeout"), left)
        user, password = ("app", self._config.postgres_app_password) if role == "app" else ("postgres", None)
        connection = await self._postgres.connect(
            server=server,
            database=database,
            user=user,
            password=password,
            settings={**WATCHED, **bounds, **(settings or {})},
        )
        try:
            yield Session(connection)
        finally:
            connection.terminate()

    @contextlib.asynccontextmanager
    async def guarded(
        self, key: str, undo: str, *, server: str = PRIMARY, database: str = "postgres"
    ) -> AsyncIterator[asyncio.Event]:
        """A dead man's switch in Postgres itself."""
        place = Place(server, database, key)
        lost = asyncio.Event()
        async with self.session(server=server, database=database) as holder:
            await holder.ask("SELECT pg_advisory_lock_shared($1)", place.number)
            connection, guard = await self._post(place, undo)
            guard.add_done_callback(lambda _: lost.set())
            watch = asyncio.create_task(self._see(holder, lost))
            self._owed[place] = undo
            try:
                yield lost
            finally:
                watch.cancel()
                with contextlib.suppress(StoreError):
                    await holder.ask("SELECT pg_advisory_unlock_shared($1)", place.number)
                await asyncio.wait({guard}, timeout=UNDO_SECONDS if not await self._held(place) else 0)
                # It goes on without us.
                connection.terminate()
                await asyncio.gather(guard, return_exceptions=True)

    @staticmethod
    async def _see(holder: Session, lost: asyncio.Event) -> None:
        await first([holder.lost])
        lost.set()

    async def _post(self, place: Place, undo: str) -> tuple[Any, asyncio.Task[Any]]:
        """The guard, once it has said that it stands."""
        connection = await self._postgres.connect(
            server=place.server, database=place.database, settings={"client_connection_check_interval": "0"}
        )
        standing = asyncio.Event()
        connection.add_log_listener(lambda *_: standing.set())
        guard = asyncio.create_task(connection.execute(GUARD.format(number=place.number, undo=undo)))
        try:
            async with asyncio.timeout(READY_SECONDS):
                await first([standing])
        except BaseException as error:
            connection.terminate()
            if isinstance(error, TimeoutError):
                raise StoreError(f"the guard of {place.key} at {place.server} does not stand") from error
            raise
        return connection, guard

    async def _held(self, place: Place) -> bool:
        """Whether another fault with that key is on."""
        try:
            [[held]] = await self.ask(HELD, place.number, server=place.server, database=place.database)
        except StoreError:
            return False
        return bool(held)

    async def _settle(self, place: Place, undo: str) -> None:
        """Undone, unless another fault is on. Raises StoreError while that cannot be said."""
        [[held]] = await self.ask(HELD, place.number, server=place.server, database=place.database)
        if not held:
            await self.do(undo, server=place.server, database=place.database)

    @contextlib.asynccontextmanager
    async def crowd(self) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
        """Idle connections of a role of its own."""
        password = hashlib.sha256(f"{CROWD_ROLE} {self._config.postgres_admin_password}".encode()).hexdigest()
        await self.do(CROWD.format(role=CROWD_ROLE, password=password))
        left = str(max(1, round((self.until - self.now()) * 1000)))
        settings = {**WATCHED, "idle_session_timeout": left}
        crowd: list[Any] = []

        async def join() -> None:
            crowd.append(await self._postgres.connect(user=CROWD_ROLE, password=password, settings=settings))

        async def grow(count: int) -> None:
            for start in range(0, count, AT_ONCE):
                batch = [join() for _ in range(min(AT_ONCE, count - start))]
                problems = [each for each in await asyncio.gather(*batch, return_exceptions=True) if each]
                for problem in problems:
                    # One that came about too slowly is for the next time.
                    if not (isinstance(problem, StoreError) and problem.state in (NO_PLACE, GONE)):
                        raise problem
                if problems:
                    return

        try:
            yield grow
        finally:
            for connection in crowd:
                connection.terminate()
