"""A redis-py client whose retries and time-outs are spelled out, and that shows its connections."""

from __future__ import annotations

from typing import Any

from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.maint_notifications import MaintNotificationsConfig

CONNECTIONS = Gauge("app_redis_connections", "Connections open", ["client"])
IN_USE = Gauge("app_redis_in_use", "Connections lent out", ["client"])


def create_client(
    url: str, *, timeout: float | None, retries: int, name: str = "redis", decode: bool = True, **options: Any
) -> Redis:
    """A client on `url` with gauges labelled `name`; close it with `await client.aclose()`.

    `timeout` (seconds, None for none) bounds connecting and each reply; `retries` is how often a command that failed
    or timed out is sent again (with redis-py's usual back-off). redis-py has defaults for both, which surprise those
    who did not know: here the caller says. `options` go to redis-py as they are.
    """
    client: Redis = Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.01), retries),
        decode_responses=decode,
        # Redis Enterprise's. While they are on, redis-py asks on an idle connection that the server has closed.
        **{"maint_notifications_config": MaintNotificationsConfig(enabled=False), **options},
    )
    pool = client.connection_pool
    IN_USE.labels(name).set_function(lambda: len(pool._in_use_connections))
    CONNECTIONS.labels(name).set_function(lambda: len(pool._in_use_connections) + len(pool._available_connections))
    return client
