"""RabbitMQ past the edges: what its queues hold, by the numbers that it exports itself, and an empty server again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
from pamqp import commands
from prometheus_client.parser import text_string_to_metric_families

from faultline.errors import Unreachable
from faultline.injector.amqp import Channel
from faultline.injector.config import Config, split

CALL_SECONDS = 5.0
"""For one look, or for all that a reset takes."""

DEPTH = "rabbitmq_detailed_queue_messages"
HEAD = "rabbitmq_detailed_queue_head_message_timestamp"
EXCHANGE = "rabbitmq_cluster_exchange_name"


class Numbers:
    """A server's numbers for each queue; close it when done."""

    def __init__(self, address: str, seconds: float) -> None:
        self._url = f"http://{address}/metrics/detailed"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds), raise_for_status=True)

    async def of(self, *families: str) -> Iterator[tuple[str, dict[str, str], float]]:
        """Name, labels and value of each sample. Raises aiohttp.ClientError, TimeoutError or ValueError."""
        async with self._session.get(self._url, params=[("family", each) for each in families]) as answer:
            text = await answer.text()
        samples = (each for family in text_string_to_metric_families(text) for each in family.samples)
        return ((each.name, each.labels, each.value) for each in samples)

    async def close(self) -> None:
        """Gives the connection back."""
        await self._session.close()


async def reset_rabbitmq(config: Config) -> None:
    """Every queue gone, and every exchange that is not the server's own. Raises Unreachable (FL628)."""
    if config.rabbitmq is None or config.rabbitmq_metrics is None:
        return
    numbers = Numbers(config.rabbitmq_metrics, CALL_SECONDS)
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await _empty(config.rabbitmq, numbers)
    except (OSError, TimeoutError, EOFError, ValueError, aiohttp.ClientError) as error:
        raise Unreachable("FL628", f"RabbitMQ at {config.rabbitmq} was not emptied: {error!r}") from error
    finally:
        await numbers.close()


async def _empty(address: str, numbers: Numbers) -> None:
    found = list(await numbers.of("queue_coarse_metrics", "exchange_names"))
    queues = {labels["queue"] for name, labels, _ in found if name == DEPTH}
    exchanges = {labels["exchange"] for name, labels, _ in found if name == EXCHANGE}
    channel = await Channel.open(*split(address))
    try:
        for queue in sorted(queues):
            await channel.call(commands.Queue.Delete(queue=queue))
        for exchange in sorted(each for each in exchanges if each and not each.startswith("amq.")):
            await channel.call(commands.Exchange.Delete(exchange=exchange))
    finally:
        channel.abort()
