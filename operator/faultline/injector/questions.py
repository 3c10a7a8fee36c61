"""What a probe asks each kind of dependency, on a connection that it keeps."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import asyncpg
from pamqp import body, commands, frame, header

from faultline.injector import amqp
from faultline.injector.config import Config, EdgeConfig

PAD_BYTES = 16 * 1024
"""What a `bulk` question carries each way, where the dependency lets it."""


class Question(ABC):
    """One question and its answer. Failures are OSError, EOFError or asyncpg's own."""

    def __init__(self, address: tuple[str, int], pad: int) -> None:
        self.address = address
        self.pad = pad
        self.sent_bytes = 0
        self.received_bytes = 0

    @property
    @abstractmethod
    def connected(self) -> bool:
        """Whether there is a connection to ask on."""

    @abstractmethod
    async def connect(self) -> None:
        """Open one."""

    @abstractmethod
    async def ask(self) -> None:
        """Ask, and return when the whole answer is there."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection at once; none is fine."""


class StreamQuestion(Question):
    """Bytes on a TCP connection."""

    def __init__(self, address: tuple[str, int], pad: int) -> None:
        super().__init__(address, pad)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection to ask on."""
        return self._writer is not None

    async def connect(self) -> None:
        """Open one."""
        self._reader, self._writer = await asyncio.open_connection(*self.address)

    async def ask(self) -> None:
        """Write the request, read the reply."""
        if self._reader is None or self._writer is None:
            raise ConnectionError("not connected")
        request = self.request()
        self._writer.write(request)
        self.sent_bytes, self.received_bytes = len(request), 0
        self.received_bytes = await self.reply(self._reader)

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._reader = self._writer = None

    @abstractmethod
    def request(self) -> bytes:
        """What to send."""

    @abstractmethod
    async def reply(self, reader: asyncio.StreamReader) -> int:
        """Reads the whole reply; its length."""


class HttpQuestion(StreamQuestion):
    """GET /healthz; any status is an answer. Our own services pad the reply on request."""

    def request(self) -> bytes:
        """One request, the connection kept."""
        padding = f"X-Faultline-Pad: {'x' * self.pad}\r\n" if self.pad else ""
        path = f"/healthz?pad={self.pad}" if self.pad else "/healthz"
        return f"GET {path} HTTP/1.1\r\nHost: probe\r\nUser-Agent: faultline-probe\r\n{padding}\r\n".encode()

    async def reply(self, reader: asyncio.StreamReader) -> int:
        """Head, then as much as it announces."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        return len(head) + len(body)


class RedisQuestion(StreamQuestion):
    """PING with a message, which Redis gives back."""

    def request(self) -> bytes:
        """RESP."""
        message = b"x" * max(self.pad, 1)
        return b"*2\r\n$4\r\nPING\r\n$%d\r\n%s\r\n" % (len(message), message)

    async def reply(self, reader: asyncio.StreamReader) -> int:
        """A bulk string, or an error, which is an answer as well."""
        head = await reader.readuntil(b"\r\n")
        if not head.startswith(b"$"):
            return len(head)
        return len(head) + len(await reader.readexactly(int(head[1:]) + 2))


class AmqpQuestion(StreamQuestion):
    """A channel's setting. With a pad, a message to a queue that is not there: RabbitMQ gives it back."""

    async def connect(self) -> None:
        """Opens connection and channel."""
        await super().connect()
        if self._reader is None or self._writer is None:
            raise ConnectionError("not connected")
        await amqp.shake_hands(self._reader, self._writer)

    def request(self) -> bytes:
        """Frames."""
        if not self.pad:
            return frame.marshal(commands.Basic.Qos(prefetch_count=1), amqp.CHANNEL)
        message = (
            commands.Basic.Publish(exchange="", routing_key="faultline-probe", mandatory=True),
            header.ContentHeader(body_size=self.pad),
            body.ContentBody(b"x" * self.pad),
        )
        return b"".join(frame.marshal(each, amqp.CHANNEL) for each in message)

    async def reply(self, reader: asyncio.StreamReader) -> int:
        """One frame, or the message's three."""
        return sum([(await amqp.read(reader))[0] for _ in range(3 if self.pad else 1)])


class ClosingQuestion(StreamQuestion):
    """How long it takes until the dependency's end of the connection is seen, after asking it to close."""

    REQUESTS: ClassVar[dict[str, bytes]] = {
        "http": b"GET /healthz HTTP/1.1\r\nHost: probe\r\nUser-Agent: faultline-probe\r\nConnection: close\r\n\r\n",
        "redis": b"QUIT\r\n",
        "amqp": amqp.STRANGER,
        # A request to cancel nobody's query: Postgres answers by closing.
        "postgres": bytes.fromhex("00000010 04d2162e 00000000 00000000"),
    }

    def __init__(self, address: tuple[str, int], protocol: str) -> None:
        super().__init__(address, 0)
        self._request = self.REQUESTS[protocol]
        # RabbitMQ answers and resets the connection, which may overtake the answer.
        self._may_reset = protocol == "amqp"

    def request(self) -> bytes:
        """One request that ends the connection."""
        return self._request

    async def reply(self, reader: asyncio.StreamReader) -> int:
        """Everything until the end."""
        try:
            reply = await reader.read(-1)
        except ConnectionResetError:
            if not self._may_reset:
                raise
            reply = b""
        self.abort()
        return len(reply)


class PostgresQuestion(Question):
    """A query on a connection that is kept, of the role `app`."""

    def __init__(self, address: tuple[str, int], pad: int, password: str) -> None:
        super().__init__(address, pad)
        self._password = password
        self._connection: Any = None
        # By the simple protocol: pgbouncer knows no prepared statements in transaction mode.
        self._query = f"SELECT repeat('x', {pad}) -- {'x' * pad}" if pad else "SELECT 1"

    @property
    def connected(self) -> bool:
        """Whether there is a connection to ask on."""
        return self._connection is not None and not self._connection.is_closed()

    async def connect(self) -> None:
        """Logs in."""
        host, port = self.address
        self._connection = await asyncpg.connect(
            host=host, port=port, user="app", password=self._password, database="lab", ssl=False
        )

    async def ask(self) -> None:
        """The query and its row."""
        self.sent_bytes, self.received_bytes = len(self._query), 0
        await self._connection.execute(self._query)
        self.received_bytes = max(self.pad, 1)

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def question_for(edge: EdgeConfig, config: Config, address: tuple[str, int], kind: str) -> Question:
    """The question for what is behind `edge`, asked at `address`; `kind` is plain, bulk or closing."""
    if kind == "closing":
        return ClosingQuestion(address, edge.protocol)
    pad = PAD_BYTES if kind == "bulk" else 0
    if edge.protocol == "postgres":
        return PostgresQuestion(address, pad, config.postgres_app_password)
    asked: dict[str, type[Question]] = {"http": HttpQuestion, "redis": RedisQuestion, "amqp": AmqpQuestion}
    return asked[edge.protocol](address, pad)
