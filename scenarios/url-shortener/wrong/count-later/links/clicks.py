"""Clicks, counted in this process and added up in Postgres once a second: one statement for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import asyncpg

ADD = """
UPDATE links SET clicks = links.clicks + new.clicks
FROM unnest($1::text[], $2::bigint[]) AS new (code, clicks) WHERE links.code = new.code
"""
EVERY_SECONDS = 1.0

_log = logging.getLogger("links")


class Clicks:
    def __init__(self, primary: asyncpg.Pool) -> None:
        self._primary = primary
        self._counted: Counter[str] = Counter()

    def count(self, code: str) -> None:
        self._counted[code] += 1

    async def flush(self) -> None:
        """Add up what was counted; it is counted again when that fails."""
        taken, self._counted = self._counted, Counter()
        if not taken:
            return
        try:
            await self._primary.execute(ADD, list(taken), list(taken.values()))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            _log.warning("later: %r", error)
            self._counted += taken

    async def run(self) -> None:
        """Flush once a second."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.flush()
