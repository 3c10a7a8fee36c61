"""Who leads: whoever has the lease, which is a row in Postgres. It runs out when its holder is not heard of."""

from __future__ import annotations

import asyncio
import logging

from books.store import Books

LEASE_MILLISECONDS = 1500
RENEW_SECONDS = 0.4

_log = logging.getLogger("keeper")


class Lease:
    """`leads` says whether we have it, as far as we know, and `term` in which term."""

    def __init__(self, books: Books, name: str) -> None:
        self._books = books
        self.name = name
        self.leads = False
        self.term = 0

    async def run(self) -> None:
        """Get the lease and keep it."""
        while True:
            try:
                await self.renew()
            except Exception as error:  # Postgres may be away for a moment; nothing can be booked then either.
                _log.warning("no word from the lease: %r", error)
            await asyncio.sleep(RENEW_SECONDS)

    async def renew(self) -> None:
        term = await self._books.hold(self.name, self.term, LEASE_MILLISECONDS)
        self.leads, self.term = term is not None, term or self.term
