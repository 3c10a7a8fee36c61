"""Rides that wait to be charged: a queue of RabbitMQ, which keeps each until a worker says that it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Self

from aio_pika import DeliveryMode, Message, connect_robust
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import DeliveryError
from pydantic import BaseModel, Field

QUEUE, DEAD = "rides", "rides-dead"
MOST = 28
SECONDS = 1.5


class Ride(BaseModel):
    """A ride that has ended; `fare` in cents, 0 where a voucher paid for it."""

    id: str = Field(min_length=8, max_length=64)
    fare: int = Field(ge=0)


class Full(Exception):
    """More rides wait than can be charged soon."""


class Jobs:
    def __init__(self, connection: AbstractConnection, channel: AbstractChannel, queue: AbstractQueue) -> None:
        self._connection = connection
        self._channel = channel
        self._queue = queue

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connects, and connects again whenever that is lost."""
        connection = await connect_robust(url, fail_fast=False, reconnect_interval=0.5)
        return cls(connection, *await _join(connection))

    async def close(self) -> None:
        await self._connection.close()

    async def put(self, ride: Ride) -> None:
        """Returns when the queue has it for good. Raises Full."""
        body = ride.model_dump_json().encode()
        message = Message(body, delivery_mode=DeliveryMode.PERSISTENT, timestamp=datetime.now(UTC))
        try:
            async with asyncio.timeout(SECONDS):
                if (await self._queue.declare()).message_count >= MOST:
                    raise Full(f"{MOST} rides wait")
                await self._channel.default_exchange.publish(message, QUEUE)
        except DeliveryError as error:
            raise Full(f"the queue did not take it: {error!r}") from error

    async def consume(self, work: Callable[[AbstractIncomingMessage], Awaitable[None]]) -> None:
        """Have one ride after another brought to `work`, the next one when it has settled the one before."""
        channel, queue = await _join(self._connection)
        await channel.set_qos(prefetch_count=1)
        await queue.consume(work)


async def _join(connection: AbstractConnection) -> tuple[AbstractChannel, AbstractQueue]:
    """A new channel, and the queue on it. What a worker rejects goes to DEAD, for a human to find.

    The bound is none of its arguments: those of a queue that is there cannot be changed, and code with another one
    would not start beside the code before it.
    """
    # Without it a message that reached no queue is confirmed all the same.
    channel = await connection.channel(on_return_raises=True)
    await channel.declare_queue(DEAD, durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
    return channel, await channel.declare_queue(QUEUE, durable=True, arguments=arguments)
