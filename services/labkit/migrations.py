"""Brings a service's database to what its code expects: SQL files that are run once each, in the order of their names.

    migrations/001_orders.sql
    migrations/002_search.sql

All that is new is one transaction, and the table `schema_migrations` says what has been run. When several
pods start together one of them does the work and the others wait for it.
"""

from __future__ import annotations

import logging
from pathlib import Path

import asyncpg

LOCK = 20261121
"""The advisory lock that those who migrate hold; any number will do."""

LONGEST_SECONDS = 18.0
"""For one file, or for another pod that is at it: a little less than a new app may take to serve."""

_log = logging.getLogger("labkit")


async def migrate(pool: asyncpg.Pool, folder: Path) -> list[str]:
    """Run what was not run yet; gives the names. Raises what Postgres says of a file, and then nothing was done."""
    files, done = _read(folder), []
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK, timeout=LONGEST_SECONDS)
        await connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY)")
        known = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
        for name in sorted(files.keys() - known):
            await connection.execute(files[name], timeout=LONGEST_SECONDS)
            await connection.execute("INSERT INTO schema_migrations VALUES ($1)", name)
            _log.info("migrated: %s", name)
            done.append(name)
    return done


def _read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.sql")}
