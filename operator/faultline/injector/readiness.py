"""Whether a run can start: each edge up and clean, each data store answering through it."""

from __future__ import annotations

import asyncio

import asyncpg
from pamqp import commands

from faultline.errors import Unreachable
from faultline.injector.amqp import Channel
from faultline.injector.config import Config, EdgeConfig
from faultline.injector.edge import Edge
from faultline.injector.failures import POSTGRES_FAILURES

ANSWER_SECONDS = 2.0


async def edge_problem(edge: Edge) -> str:
    """What is wrong with an edge's Toxiproxy, empty when nothing is."""
    if not edge.up:
        return f"edge {edge.name}: its Toxiproxy is not up"
    try:
        toxics = await edge.toxics()
    except Unreachable as error:
        return f"edge {edge.name}: {error.message}"
    return f"edge {edge.name}: toxics are on: {', '.join(sorted(toxics))}" if toxics else ""


async def store_problem(edge: EdgeConfig, config: Config) -> str:
    """What a data store behind an edge does not do, empty when it answers (and for services, which pods report on)."""
    ask = {"postgres": _ask_postgres, "redis": _ask_redis, "amqp": _ask_rabbitmq}.get(edge.protocol)
    if ask is None:
        return ""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await ask(edge, config)
    except POSTGRES_FAILURES as error:
        return f"edge {edge.name}: {edge.protocol} does not answer: {error or 'too slow'}"
    return ""


async def _ask_postgres(edge: EdgeConfig, config: Config) -> None:
    host, port = edge.loopback
    connection = await asyncpg.connect(
        host=host, port=port, user="app", password=config.postgres_app_password, database="lab"
    )
    try:
        await connection.execute("SELECT 1")
    finally:
        connection.terminate()


async def _ask_redis(edge: EdgeConfig, config: Config) -> None:
    reader, writer = await asyncio.open_connection(*edge.loopback)
    try:
        writer.write(b"PING\r\n")
        answer = await reader.readline()
        if answer != b"+PONG\r\n":
            raise ConnectionError(f"PING was answered with {answer!r}")
    finally:
        writer.close()


async def _ask_rabbitmq(edge: EdgeConfig, config: Config) -> None:
    channel = await Channel.open(*edge.loopback)
    try:
        await channel.call(commands.Basic.Qos(prefetch_count=1))
    finally:
        channel.abort()
