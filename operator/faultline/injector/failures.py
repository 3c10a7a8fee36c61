"""What it can look like when a data store does not answer as it should."""

from __future__ import annotations

import asyncpg

# InternalClientError as well: that is what asyncpg raises for a question to a server that has just said that it ends
# the connection, and has not closed it yet.
POSTGRES_FAILURES = (
    OSError,
    TimeoutError,
    EOFError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
