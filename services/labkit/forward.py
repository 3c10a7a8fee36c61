"""Sends requests on to another service: what a service in front of others does. The time-out is the caller's."""

from __future__ import annotations

import logging
from typing import Self

import aiohttp
from fastapi import HTTPException, Response

_log = logging.getLogger("labkit")


class Forward:
    """The way to the service at `url`: one HTTP session, whose connections are kept open between requests.

    `timeout` is in seconds and bounds one request with its answer, None for no bound. Used as an async context manager.
    """

    def __init__(self, url: str, *, timeout: float | None) -> None:
        self._url = url
        self._timeout = timeout

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            headers={"Content-Type": "application/json"},
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def send(self, method: str, path: str, body: bytes | None = None) -> Response:
        """The service's own answer, whatever its status. HTTPException: 502 for none, 504 for one too late."""
        try:
            async with self._session.request(method, f"{self._url}{path}", data=body) as answer:
                return Response(await answer.read(), answer.status, media_type=answer.content_type)
        except TimeoutError as error:
            raise HTTPException(504, "the service behind this one took too long") from error
        except aiohttp.ClientError as error:
            _log.warning("%s %s: %r", method, path, error)
            raise HTTPException(502, "the service behind this one did not answer") from error
