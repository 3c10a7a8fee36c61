"""Postgres past the edges: the primary and each replica by name, asked as superuser or as the app's role."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import asyncpg

from faultline.faults.base import StoreError
from faultline.faults.base.postgres import PRIMARY, Role, Rows
from faultline.injector.config import Config, split
from faultline.injector.failures import POSTGRES_FAILURES

CONNECT_SECONDS = 1.0
ASK_SECONDS = 1.0
DO_SECONDS = 5.0
APPLICATION = "faultline"

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
        raise StoreError(f"Postgres: {error or 'no answer in time'}", GONE) from error


class Postgres:
    """The servers of one lab, and a connection kept for each of them, database and role that was asked."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._addresses: dict[str, tuple[str, int]] = {}
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

        Raises StoreError, also (once) when the connection was ended since it was last asked.
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

    async def close(self) -> None:
        """Gives the kept connections back."""
        for connection in self._kept.values():
            connection.terminate()
        self._kept.clear()

    @contextlib.asynccontextmanager
    async def _kept_connection(self, server: str, database: str, role: Role) -> Any:
        place = server, database, role
        async with self._locks[place]:
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
        """The primary by its Service; the replicas, of which there may be several, by their own names."""
        if self._config.postgres is None:
            raise StoreError("this lab has no Postgres")
        found = {PRIMARY: split(self._config.postgres)}
        if self._config.postgres_replica:
            for address in await self._resolve(*split(self._config.postgres_replica)):
                found[await self._name(*address)] = address
        self._addresses = found

    async def _resolve(self, host: str, port: int) -> list[tuple[str, int]]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise StoreError(f"{host} has no address: {error}", GONE) from error
        return sorted({(str(each[4][0]), port) for each in found})

    async def _name(self, host: str, port: int) -> str:
        with answers():
            connection = await self._dial(host, port, "postgres", "postgres", None, None)
            try:
                return str(await connection.fetchval("SHOW cluster_name"))
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
