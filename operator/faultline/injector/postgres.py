"""Postgres past the edges: the primary and each replica by name, asked as superuser or as the app's role."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg

from faultline.faults.base import StoreError
from faultline.faults.base.postgres import DATABASE, PRIMARY, Role, Rows
from faultline.injector.config import REPLICATION, Config, split
from faultline.injector.edge import Edge
from faultline.injector.failures import POSTGRES_FAILURES

CONNECT_SECONDS = 1.0
ASK_SECONDS = 1.0
DO_SECONDS = 5.0
APPLICATION = "faultline"

PROMOTE_SECONDS = 6.0
DOWN = ("08006", "08003", "57P01", "57P02", "57P03")
"""SQLSTATEs of a server that ends, or whose connection does."""
GONE = "08006"
"""SQLSTATE of a connection that is no more."""


@contextlib.contextmanager
def answers() -> Iterator[None]:
    """Turns what asyncpg raises into StoreError."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise StoreError(f"Postgres: {error}", error.sqlstate or "") from error
    except POSTGRES_FAILURES as error:
        raise StoreError(f"Postgres: {str(error) or 'no answer in time'}", GONE) from error


class Postgres:
    """The servers of one lab, and a connection kept for each of them, database and role that was asked."""

    def __init__(self, config: Config, edges: Mapping[str, Edge] | None = None) -> None:
        self._config = config
        self._edges = edges or {}
        self._addresses: dict[str, tuple[str, int]] = {}
        self._leader = ""
        self._first = ""
        self._kept: dict[tuple[str, str, Role], Any] = {}
        self._locks: dict[tuple[str, str, Role], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def replicas(self) -> list[str]:
        """The replicas' names, sorted. Raises StoreError when one that should be there is not."""
        if len(self._addresses) <= self._config.postgres_replicas:
            await self._look_up()
        found = sorted(set(self._addresses) - {PRIMARY})
        if len(found) < self._config.postgres_replicas:
            raise StoreError(f"{self._config.postgres_replicas} replicas should be there, found {found}")
        return found

    async def ask(
        self, query: str, *values: Any, server: str = PRIMARY, database: str = "postgres", role: Role = "admin"
    ) -> Rows:
        """The rows of one statement on a connection that is kept.

        Raises StoreError, for the app's role also (once) when the connection was ended since it was last asked.
        """
        async with self._kept_connection(server, database, role) as connection:
            async with asyncio.timeout(ASK_SECONDS):
                found: Rows = await connection.fetch(query, *values)
            return found

    async def do(self, block: str, *, server: str = PRIMARY, database: str = "postgres", role: Role = "admin") -> None:
        """Runs PL/pgSQL statements in one transaction. Raises StoreError."""
        async with self._kept_connection(server, database, role) as connection:
            async with asyncio.timeout(DO_SECONDS):
                await connection.execute(f"DO $faultline$ BEGIN {block} END $faultline$")

    async def connect(
        self,
        *,
        server: str = PRIMARY,
        database: str = "postgres",
        user: str = "postgres",
        password: str | None = None,
        settings: dict[str, str] | None = None,
    ) -> Any:
        """A new connection, the superuser's when nothing is said. Raises StoreError."""
        if server not in self._addresses:
            await self._look_up()
        if server not in self._addresses:
            raise StoreError(f"Postgres server {server} is not there", GONE)
        host, port = self._addresses[server]
        try:
            with answers():
                return await self._dial(host, port, database, user, password, settings)
        except StoreError as error:
            if error.state == GONE:
                # A new pod has another address.
                self._addresses.pop(server, None)
            raise

    async def followers(self) -> list[str]:
        """The servers that answer and follow another, sorted. Raises StoreError."""
        await self._look_up()
        return sorted(set(self._addresses) - {PRIMARY})

    async def first(self) -> str:
        """The own name of the server that the lab made the primary. Raises StoreError."""
        await self._look_up()
        if not self._first:
            raise StoreError(f"Postgres at {self._config.postgres} does not answer", GONE)
        return self._first

    async def write(self) -> None:
        """A transaction that writes, by an edge to the primary, as the app would. Raises StoreError."""
        edge = next(each for each in self._edges.values() if each.config.name.endswith("->postgres"))
        with answers():
            async with asyncio.timeout(ASK_SECONDS):
                host, port = edge.config.loopback
                connection = await self._dial(host, port, DATABASE, "app", self._config.postgres_app_password, None)
                try:
                    await connection.execute("CREATE TEMPORARY TABLE faultline_probe ()")
                finally:
                    connection.terminate()

    async def leader(self) -> str:
        """The server that takes writes, by its own name; empty when none does. Raises StoreError."""
        await self._look_up()
        return self._leader

    async def demote(self, server: str = PRIMARY, *, own: bool) -> None:
        """Stopped as by a crash, and to come back as a replica. Raises StoreError."""
        role = 'rm -f "$around/role"' if own else 'echo replica > "$around/role"'
        stop = 'touch "$around/again"; rm -f "$PGDATA/faultline-replica"; pg_ctl stop -D "$PGDATA" -m immediate -W'
        try:
            await self._run(f"{role}; {stop}", server)
        except StoreError as error:
            # The answer goes down with the server.
            if error.state not in DOWN:
                raise
        await self.close()

    async def promote(self, server: str, *, own: bool) -> None:
        """The leader from now on, also when its process starts again. Raises StoreError."""
        role = 'rm -f "$around/role"' if own else 'echo primary > "$around/role"'
        await self._run(f'{role}; rm -f "$PGDATA/faultline-replica"', server)
        async with self._kept_connection(server, "postgres", "admin") as connection, asyncio.timeout(PROMOTE_SECONDS):
            if not await connection.fetchval("SELECT NOT pg_is_in_recovery() OR pg_promote(true, 5)"):
                raise StoreError(f"{server} was not promoted")
        await self.close()

    async def lead_edges(self) -> None:
        """Every edge to the primary leads to the leader. Raises StoreError when there is none."""
        leader = await self.leader()
        if not leader:
            raise StoreError("no server of Postgres takes writes")
        host, port = self._addresses[PRIMARY]
        for edge in self._edges.values():
            if edge.config.name.endswith("->postgres") or edge.config.name == REPLICATION:
                await edge.lead(edge.config.upstream if leader == self._first else f"{host}:{port}")

    async def _run(self, command: str, server: str) -> None:
        """A shell command next to a server, which writes to no database."""
        program = f'around=$(dirname "$PGDATA"); {command}'.replace("'", "''")
        await self.do(f"COPY (SELECT) TO PROGRAM '{program}';", server=server)

    async def close(self) -> None:
        """Gives the kept connections back, and forgets who is where."""
        self._addresses.clear()
        for connection in self._kept.values():
            connection.terminate()
        self._kept.clear()

    @contextlib.asynccontextmanager
    async def _kept_connection(self, server: str, database: str, role: Role) -> Any:
        place = server, database, role
        async with self._locks[place]:
            if role == "admin" and place in self._kept and self._kept[place].is_closed():
                # That the app's was ended says something, and is told; ours is opened again.
                del self._kept[place]
            if place not in self._kept:
                user, password = ("app", self._config.postgres_app_password) if role == "app" else ("postgres", None)
                self._kept[place] = await self.connect(server=server, database=database, user=user, password=password)
            connection = self._kept[place]
            try:
                with answers():
                    yield connection
            except BaseException as error:
                if connection.is_closed() or not isinstance(error, StoreError) or error.state == GONE:
                    connection.terminate()
                    del self._kept[place]
                raise

    async def _look_up(self) -> None:
        """Each server by its own name, and who of them leads: one that was promoted rather than the first."""
        if self._config.postgres is None:
            raise StoreError("this lab has no Postgres")
        first = split(self._config.postgres)
        self._addresses, self._leader, self._first = {}, "", ""
        leaders: dict[str, tuple[str, int]] = {}
        for address in [first, *await self._replica_addresses()]:
            try:
                name, follows = await self._who(*address)
            except StoreError:
                # One that is being started again is not there for now.
                continue
            if address == first:
                self._first = name
            if follows:
                self._addresses[name] = address
            else:
                leaders[name] = address
        self._leader = next((name for name in leaders if name != self._first), self._first if leaders else "")
        self._addresses |= {name: address for name, address in leaders.items() if name != self._leader}
        self._addresses[PRIMARY] = leaders.get(self._leader, first)

    async def _replica_addresses(self) -> list[tuple[str, int]]:
        if not self._config.postgres_replica:
            return []
        host, port = split(self._config.postgres_replica)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise StoreError(f"{host} has no address: {error}", GONE) from error
        return sorted({(str(each[4][0]), port) for each in found})

    async def _who(self, host: str, port: int) -> tuple[str, bool]:
        """A server's name, and whether it follows another."""
        with answers():
            connection = await self._dial(host, port, "postgres", "postgres", None, None)
            try:
                name, follows = await connection.fetchrow("SELECT current_setting('cluster_name'), pg_is_in_recovery()")
                return str(name), bool(follows)
            finally:
                connection.terminate()

    async def _dial(
        self, host: str, port: int, database: str, user: str, password: str | None, settings: dict[str, str] | None
    ) -> Any:
        dialling = asyncio.create_task(self._log_in(host, port, database, user, password, settings))
        try:
            return await asyncio.shield(dialling)
        except asyncio.CancelledError:
            # asyncpg would drop a connection that came about just now, and leave it open.
            dialling.add_done_callback(_hang_up)
            raise

    async def _log_in(
        self, host: str, port: int, database: str, user: str, password: str | None, settings: dict[str, str] | None
    ) -> Any:
        return await asyncpg.connect(
            host=host,
            port=port,
            user=user,
            password=password or self._config.postgres_admin_password,
            database=database,
            ssl=False,
            timeout=CONNECT_SECONDS,
            statement_cache_size=0,
            # Compiling a query takes a small server seconds. What we ask is never worth it, but plans that are told to
            # avoid reading whole tables (enable_seqscan) look expensive enough.
            server_settings={"application_name": APPLICATION, "jit": "off", **(settings or {})},
        )


def _hang_up(dialled: asyncio.Task[Any]) -> None:
    if not dialled.cancelled() and not dialled.exception():
        dialled.result().terminate()
