"""The gateway's way to the services behind it: one HTTP session, whose connections are kept open between requests."""

from __future__ import annotations

import asyncio
import logging
from typing import Self

import aiohttp
from fastapi import HTTPException, Response

BUDGET_SECONDS = 2.0
TRY_SECONDS = 1.0
BACKOFF_SECONDS = 0.05

_log = logging.getLogger("gateway")


class Upstream:
    """Sends requests on and gives the answers back as they are."""

    def __init__(self, connections: int, retries: int) -> None:
        self._connections = connections
        self._retries = retries
        # First come, first served: whoever finds all connections taken waits for one.
        self._free = asyncio.Semaphore(connections)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            timeout=aiohttp.ClientTimeout(total=TRY_SECONDS),
            headers={"Content-Type": "application/json"},
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def send(self, method: str, url: str, body: bytes | None = None) -> Response:
        """One request, within a budget that ends before the browser gives up; it includes the wait for a connection."""
        try:
            async with asyncio.timeout(BUDGET_SECONDS), self._free:
                return await self._send(method, url, body)
        except TimeoutError as error:
            raise HTTPException(503, "the service behind the gateway is busy") from error

    async def _send(self, method: str, url: str, body: bytes | None) -> Response:
        for attempt in range(self._retries + 1):
            if attempt:
                await asyncio.sleep(BACKOFF_SECONDS * attempt)
            try:
                async with self._session.request(method, url, data=body) as answer:
                    content = await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                _log.warning("%s %s: %r", method, url, error)
                continue
            if answer.status < 500:
                return Response(content, answer.status, media_type=answer.content_type)
        raise HTTPException(502, "the service behind the gateway did not answer")
