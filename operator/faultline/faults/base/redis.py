"""Faults on Redis, made by a connection past the edges."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Protocol

from faultline.faults.base.fault import Family, FeltFault, Part
from faultline.faults.base.store import StoreError, StoreTarget

MARKER_SECONDS = 60
"""How long a marker is kept that nobody took away."""


class Line(Protocol):
    """A connection of its own that is written to and not read from."""

    async def send(self, *commands: tuple[str, ...]) -> None:
        """Queue commands at the server: what is not done when the line is closed is not done at all."""

    @property
    def lost(self) -> asyncio.Event:
        """Set when the connection is gone."""


class RedisAccess(Protocol):
    """The server."""

    @property
    def settings(self) -> dict[str, str]:
        """`maxmemory` and `maxmemory-policy` as the scenario has them."""

    async def call(self, *words: str | int) -> Any:
        """The answer to one command. Raises StoreError, after 1 s at the latest."""

    async def calls(self, *commands: tuple[str | int, ...]) -> list[Any]:
        """The answers to commands that are sent together. Raises StoreError, also where one of them is refused."""

    async def info(self, section: str) -> dict[str, Any]:
        """A section of INFO. Raises StoreError."""


class RedisTarget(RedisAccess, StoreTarget, Protocol):
    """What the injector offers faults on Redis."""

    def line(self) -> AbstractAsyncContextManager[Line]:
        """A connection of its own."""


class RedisFault(FeltFault):
    """A fault on the lab's Redis."""

    family: ClassVar[Family] = "redis"
    stores: ClassVar[tuple[Part, ...]] = ("redis",)

    @classmethod
    async def restore(cls, target: RedisAccess) -> None:
        """Put right what an earlier fault of this type may have left; nothing is fine. No run is under way."""


class ForgettingFault(RedisFault):
    """Redis loses keys at the start, and is itself again at once; that what is written stays is the proof of the end.

    A key of ours, the marker, is lost with the others.
    """

    def marker(self, target: RedisTarget) -> str:
        """The marker's name."""
        return f"faultline:{target.fault}"

    async def mark(self, target: RedisTarget) -> None:
        """Put the marker into Redis."""
        await target.call("SET", self.marker(target), 1, "EX", MARKER_SECONDS)

    async def revert(self, target: RedisTarget) -> None:
        """Nothing brings the keys back; the marker is put there again, to see that it stays."""
        await self.mark(target)
        await target.intend(marked=False)

    async def felt(self, target: RedisTarget) -> float | None:
        """1 while Redis gives no answer, or has lost what it was told to keep."""
        marked = target.state.get("marked")
        if marked is None:
            return None
        try:
            return float(await target.call("GET", self.marker(target)) is None)
        except StoreError:
            return 1.0
