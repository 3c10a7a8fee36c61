"""Gives the data stores their first content again, past the edges: what a run changed must not reach the next one."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError

from faultline.errors import Unreachable
from faultline.injector.config import Config, split
from faultline.injector.failures import POSTGRES_FAILURES

log = logging.getLogger(__name__)

RESET_SECONDS = 30.0
RETRY_SECONDS = 0.1
CALL_SECONDS = 5.0


async def reset_postgres(config: Config) -> None:
    """Database `lab` again from the template `seed` on each primary, and every replica up to date with it.

    Raises Unreachable (FL622) when that does not succeed within 30 s.
    """
    primaries = ((config.postgres, config.postgres_replicas), (config.postgres_second, 0))
    await asyncio.gather(*(_reset(config, address, replicas) for address, replicas in primaries if address))


async def _reset(config: Config, address: str, replicas: int) -> None:
    problem: Exception | None = None
    try:
        async with asyncio.timeout(RESET_SECONDS):
            while True:
                try:
                    await _recreate(config, address, replicas)
                    return
                except POSTGRES_FAILURES as error:
                    # A client that has just connected again holds the database; a restarting server refuses.
                    problem = error
                    await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError as error:
        why = (str(problem) or "no answer in time") if problem else "replicas lag"
        message = f"Postgres at {address} was not reset within {RESET_SECONDS:g}s: {why}"
        raise Unreachable("FL622", message) from error


async def reset_redis(config: Config) -> None:
    """Every key gone. Raises Unreachable (FL623)."""
    if config.redis is None:
        return
    host, port = split(config.redis)
    redis = Redis(
        host=host,
        port=port,
        socket_timeout=CALL_SECONDS,
        socket_connect_timeout=2,
        retry=Retry(ConstantBackoff(0.1), 3),
    )
    try:
        await redis.flushall()
    except RedisError as error:
        raise Unreachable("FL623", f"Redis at {config.redis} was not emptied: {error}") from error
    finally:
        await redis.aclose()


async def _recreate(config: Config, address: str, replicas: int) -> None:
    host, port = split(address)
    connection = await asyncpg.connect(
        host=host,
        port=port,
        user="postgres",
        password=config.postgres_admin_password,
        database="postgres",
        timeout=CALL_SECONDS,
        command_timeout=RESET_SECONDS,
        server_settings={"application_name": "faultline-reset"},
    )
    try:
        await connection.execute("DROP DATABASE IF EXISTS lab WITH (FORCE)")
        # The files' way of copying checkpoints twice; by the log it is faster for a small database.
        await connection.execute("CREATE DATABASE lab TEMPLATE seed OWNER app STRATEGY wal_log")
        await _replayed(connection, replicas)
    finally:
        connection.terminate()


async def _replayed(connection: Any, replicas: int) -> None:
    """Waits until `replicas` have replayed all that is written by now."""
    here = await connection.fetchval("SELECT pg_current_wal_lsn()")
    query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn >= $1"
    while await connection.fetchval(query, here) < replicas:  # noqa: ASYNC110 another machine's state has no Event
        await asyncio.sleep(0.02)
