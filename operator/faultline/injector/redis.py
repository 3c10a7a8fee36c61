"""Redis past the edges, as faults and resets talk to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from faultline.faults.base import StoreError
from faultline.injector.config import Config, split

CALL_SECONDS = 1.0


class RedisStore:
    """One connection, made anew when it is gone; nothing is sent twice."""

    def __init__(self, config: Config) -> None:
        if config.redis is None:
            raise StoreError("this lab has no Redis")
        self.settings = {"maxmemory-policy": config.redis_policy, "maxmemory": config.redis_maxmemory}
        self._address = split(config.redis)
        host, port = self._address
        self._client: Redis = Redis(
            host=host,
            port=port,
            max_connections=4,
            socket_timeout=CALL_SECONDS,
            socket_connect_timeout=CALL_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            # While they are on, redis-py asks on an idle connection that the server has closed.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )

    async def call(self, *words: str | int) -> Any:
        """The answer to one command. Raises StoreError."""
        with answers():
            return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]

    async def calls(self, *commands: tuple[str | int, ...]) -> list[Any]:
        """The answers to several. Raises StoreError."""
        with answers():
            async with self._client.pipeline(transaction=False) as pipeline:
                for words in commands:
                    pipeline.execute_command(*words)
                return list(await pipeline.execute())

    async def info(self, section: str) -> dict[str, Any]:
        """A section of INFO. Raises StoreError."""
        found: dict[str, Any] = await self.call("INFO", section)
        return found

    @contextlib.asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """A connection of its own."""
        with answers():
            async with asyncio.timeout(CALL_SECONDS):
                reader, writer = await asyncio.open_connection(*self._address)
        line = Line(writer)
        reading = asyncio.create_task(line.drain(reader))
        try:
            yield line
        finally:
            reading.cancel()
            writer.transport.abort()

    async def close(self) -> None:
        """Gives the connections back."""
        await self._client.aclose()


class Line:
    """See faultline.faults.base.redis.Line."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.lost = asyncio.Event()

    async def send(self, *commands: tuple[str, ...]) -> None:
        """Queue commands."""
        with answers():
            self._writer.write(b"".join(_packed(words) for words in commands))
            await self._writer.drain()

    async def drain(self, reader: asyncio.StreamReader) -> None:
        """Throws the answers away until the end."""
        try:
            while await reader.read(4096):
                pass
        except OSError:
            pass  # an end like another
        finally:
            self.lost.set()


def _packed(words: tuple[str, ...]) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


@contextlib.contextmanager
def answers() -> Iterator[None]:
    """Turns what redis-py raises into StoreError; its state is the error's first word."""
    try:
        yield
    except ResponseError as error:
        state = "OOM" if isinstance(error, OutOfMemoryError) else str(error).partition(" ")[0]
        raise StoreError(f"Redis: {error}", state) from error
    except (RedisError, OSError) as error:
        raise StoreError(f"Redis: {error or 'no answer in time'}") from error
