"""AMQP 0-9-1 as far as the injector speaks it to RabbitMQ: one connection, one channel, one question at a time.

An ordinary client reconnects, sends heartbeats and waits on its own: a probe has to feel all that itself.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from pamqp import base, commands, constants, exceptions, frame, header

USER, PASSWORD, VHOST = "app", "app", "/"
"""The lab's own, known role: learners see it in RABBITMQ_URL."""

CHANNEL = 1
_TUNED = {"channel_max": 8, "frame_max": 131072, "heartbeat": 0}

OPENING = (
    header.ProtocolHeader().marshal(),
    frame.marshal(commands.Connection.StartOk({}, "PLAIN", f"\0{USER}\0{PASSWORD}", "en_US"), 0),
    frame.marshal(commands.Connection.TuneOk(**_TUNED), 0) + frame.marshal(commands.Connection.Open(VHOST), 0),
    frame.marshal(commands.Channel.Open(), CHANNEL),
)
"""What a client says, each part after one answer."""

STRANGER = header.ProtocolHeader(0, 8, 0).marshal()
"""A version that it does not speak: the server answers with its own and ends the connection at once."""


async def read(reader: asyncio.StreamReader) -> tuple[int, frame.FrameTypes]:
    """The next frame and its length. Raises OSError or EOFError, also where the server closes channel or connection."""
    head = await reader.readexactly(constants.FRAME_HEADER_SIZE)
    kind, _, size = struct.unpack(">BHI", head)
    if kind not in (constants.FRAME_METHOD, constants.FRAME_HEADER, constants.FRAME_BODY):
        raise ConnectionError(f"RabbitMQ answered with {head!r}")
    data = head + await reader.readexactly(size + 1)
    with _understood():
        found = frame.unmarshal(data)[2]
    if isinstance(found, commands.Connection.Close | commands.Channel.Close):
        raise ConnectionError(f"RabbitMQ: {found.reply_code} {found.reply_text}")
    return len(data), found


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Logs in and opens the channel. Raises OSError or EOFError."""
    for words in OPENING:
        writer.write(words)
        await read(reader)


class Channel:
    """A channel of its own connection; close it by `abort`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int) -> Channel:
        """Connects. Raises OSError or EOFError."""
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await shake_hands(reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
        return cls(reader, writer)

    async def call(self, method: base.Frame) -> frame.FrameTypes:
        """The answer to a method that has one. Raises OSError or EOFError; the channel is of no use then."""
        self._writer.write(frame.marshal(method, CHANNEL))
        return (await read(self._reader))[1]

    def abort(self) -> None:
        """Drop the connection at once."""
        self._writer.transport.abort()


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except exceptions.PAMQPException as error:
        raise ConnectionError(f"RabbitMQ sent what is no AMQP: {error!r}") from error
