"""RabbitMQ past the edges: what its queues hold, by the numbers that it exports itself, and an empty server again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
from pamqp import commands
from prometheus_client.parser import text_string_to_metric_families

from faultline.errors import Unreachable
from faultline.injector.amqp import Channel
from faultline.injector.config import Config, split
from faultline.injector.stores import RESET_SECONDS, RETRY_SECONDS

CALL_SECONDS = 5.0
"""For one try of a reset."""
FAILURES = (OSError, TimeoutError, EOFError, ValueError, KeyError, aiohttp.ClientError)
"""What a try may raise."""

DEPTH = "rabbitmq_detailed_queue_messages"
HEAD = "rabbitmq_detailed_queue_head_message_timestamp"
EXCHANGE = "rabbitmq_cluster_exchange_name"
WAITING = {DEPTH: "queue_coarse_metrics", HEAD: "queue_metrics"}
THERE = {DEPTH: "queue_coarse_metrics", EXCHANGE: "exchange_names"}
"""Numbers and the families that they are asked for by."""


CHUNK_BYTES = 64 * 1024
MOST_BYTES = 4 * 1024**2
"""Of an answer, which is thousands of queues."""


class Numbers:
    """A server's numbers for each queue; close it when done."""

    def __init__(self, address: str, seconds: float) -> None:
        self._url = f"http://{address}/metrics/detailed"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds), raise_for_status=True)

    async def of(self, names: Mapping[str, str], queue: str | None = None) -> list[tuple[str, dict[str, str], float]]:
        """Name, labels and value of each sample; `names` are those wanted, with their families, of `queue` or of all.

        Raises aiohttp.ClientError, TimeoutError or ValueError.
        """
        text = bytearray()
        families = [("family", each) for each in sorted(set(names.values()))]
        async with self._session.get(self._url, params=families) as answer:
            async for part in answer.content.iter_chunked(CHUNK_BYTES):
                text += part
                if len(text) > MOST_BYTES:
                    raise ValueError(f"RabbitMQ's numbers are over {MOST_BYTES // 1024**2} MiB: it has too many queues")
        # Parsing takes far longer than this choice, and all faults wait for it.
        wanted = tuple(f"{name}{{".encode() for name in names)
        label = b"" if queue is None else f'queue="{_escaped(queue)}"'.encode()
        lines = [line for line in text.splitlines() if line.startswith(wanted) and label in line]
        found = text_string_to_metric_families(b"\n".join(lines).decode() + "\n")
        return [
            (each.name, each.labels, each.value)
            for family in found
            for each in family.samples
            if queue is None or each.labels.get("queue") == queue
        ]

    async def close(self) -> None:
        """Gives the connection back."""
        await self._session.close()


def _escaped(label: str) -> str:
    """A label's value as the exposition format writes it."""
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


async def reset_rabbitmq(config: Config) -> None:
    """Every queue gone, and every exchange that is not the server's own.

    Raises Unreachable (FL628) when that does not succeed within 30 s.
    """
    if config.rabbitmq is None or config.rabbitmq_metrics is None:
        return
    numbers = Numbers(config.rabbitmq_metrics, CALL_SECONDS)
    problem: Exception | None = None
    try:
        async with asyncio.timeout(RESET_SECONDS):
            while True:
                try:
                    async with asyncio.timeout(CALL_SECONDS):
                        if not await _emptied(config.rabbitmq, numbers):
                            return
                except FAILURES as error:
                    # A server that is starting again refuses, and one with a long backlog is slow to throw it away.
                    problem = error
                await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError as error:
        why = repr(problem) if problem else "it always had another queue or exchange"
        message = f"RabbitMQ at {config.rabbitmq} was not emptied within {RESET_SECONDS:g}s: {why}"
        raise Unreachable("FL628", message) from error
    finally:
        await numbers.close()


async def _emptied(address: str, numbers: Numbers) -> int:
    """Removes what there is, and says how much that was: what comes meanwhile only the next look shows."""
    found = await numbers.of(THERE)
    queues = {labels["queue"] for name, labels, _ in found if name == DEPTH}
    exchanges = {labels["exchange"] for name, labels, _ in found if name == EXCHANGE}
    exchanges = {each for each in exchanges if each and not each.startswith("amq.")}
    if not queues and not exchanges:
        return 0
    channel = await Channel.open(*split(address))
    try:
        for queue in sorted(queues):
            await channel.call(commands.Queue.Delete(queue=queue))
        for exchange in sorted(exchanges):
            await channel.call(commands.Exchange.Delete(exchange=exchange))
    finally:
        channel.abort()
    return len(queues) + len(exchanges)
