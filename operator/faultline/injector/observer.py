"""What the harness sees in the data stores, for measures: how much waits in the scenario's queues and for how long.

It also writes a heartbeat on the primary, without which an idle replica would seem to fall behind.

Past the edges and by the superuser's reserved connections: no fault takes this view away but one on the store itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp
import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from faultline.api.app import Queue
from faultline.injector.clock import Clock
from faultline.injector.config import Config, split
from faultline.injector.failures import POSTGRES_FAILURES
from faultline.injector.rabbitmq import DEPTH, HEAD, WAITING, Numbers

log = logging.getLogger(__name__)

QUEUE_SECONDS = 1.0
BEAT_SECONDS = 0.5
CALL_SECONDS = 1.0
AHEAD_SECONDS = 2.0
"""By which the clock of who sends a message may be ahead; a time beyond that is none."""
MOST_SEEN = 2000
"""Items of a list that are remembered, which is one or two for each second that the oldest has waited."""

FAILURES = (*POSTGRES_FAILURES, RedisError, aiohttp.ClientError)


class Waiting(NamedTuple):
    """What waits in a queue: how many items, and for how many seconds the oldest has."""

    depth: int
    oldest: float


Look = Callable[[], Awaitable[Waiting]]
"""How much waits in one place."""


class Postgres:
    """One connection to a database of the primary, opened again when it is lost."""

    def __init__(self, config: Config, database: str, role: str = "postgres") -> None:
        self._config = config
        self._database = database
        self._role = role
        self._connection: Any = None

    async def row(self, query: str) -> Any:
        """The first row. Raises one of FAILURES; the next call connects again."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connect()
                return await self._connection.fetchrow(query)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _connect(self) -> Any:
        host, port = split(self._config.postgres or "")
        connection = await asyncpg.connect(
            host=host,
            port=port,
            user="postgres",
            password=self._config.postgres_admin_password,
            database=self._database,
            server_settings={"application_name": "faultline-observer", "role": self._role},
        )
        return connection


class SqlQueue:
    """A queue in a table: `sql` gives how many wait, and since when the oldest does (null when none)."""

    def __init__(self, sql: str, postgres: Postgres) -> None:
        self._sql = sql
        self._postgres = postgres

    async def look(self) -> Waiting:
        """Ask. Raises one of FAILURES, or ValueError when the answer has another shape."""
        query = f"SELECT depth, extract(epoch FROM now() - since) FROM ({self._sql}) AS waiting(depth, since)"  # noqa: S608 the scenario's own text
        row = await self._postgres.row(query)
        return Waiting(int(row[0]), max(0.0, float(row[1] or 0)))


class RedisQueue:
    """A queue in a Redis list or stream."""

    def __init__(self, key: str, redis: Redis, clock: Clock) -> None:
        self._key = key
        self._redis: Any = redis  # its types cover the blocking client and text answers as well
        self._clock = clock
        self._seen: dict[bytes, float] = {}

    async def look(self) -> Waiting:
        """Ask. Raises one of FAILURES, or ValueError for a key of another type."""
        match await self._redis.type(self._key):
            case b"none":
                self._seen.clear()
                return Waiting(0, 0.0)
            case b"list":
                return await self._list()
            case b"stream":
                return await self._stream()
            case other:
                raise ValueError(f"the key {self._key} must be a list or a stream, it is a {other.decode()}")

    async def _list(self) -> Waiting:
        """Which end is the older one is not known, so both are remembered: what is still there has waited since."""
        now, redis = self._clock.now(), self._redis
        async with redis.pipeline(transaction=True) as pipe:
            pipe.llen(self._key).lindex(self._key, 0).lindex(self._key, -1)
            depth, *ends = await pipe.execute()
        for item in ends:
            if item is not None and len(self._seen) < MOST_SEEN:
                self._seen.setdefault(item, now)
        for item, since in list(self._seen.items()):
            if await redis.lpos(self._key, item) is not None:
                return Waiting(depth, now - since)
            del self._seen[item]
        return Waiting(depth, 0.0)

    async def _stream(self) -> Waiting:
        """Items have their time in their id. With groups, the one that is furthest behind counts."""
        redis, key = self._redis, self._key
        groups = await redis.xinfo_groups(key)
        if not groups:
            first = await redis.xrange(key, count=1)
            return Waiting(await redis.xlen(key), self._age(first[0][0]) if first else 0.0)
        depth, oldest = 0, 0.0
        for group in groups:
            lag = group["lag"] if group["lag"] is not None else await redis.xlen(key)
            depth = max(depth, group["pending"] + lag)
            pending = await redis.xpending(key, group["name"])
            waiting = await redis.xrange(key, b"(" + group["last-delivered-id"], count=1)
            ids = [pending["min"]] if pending["min"] else []
            ids += [waiting[0][0]] if waiting else []
            oldest = max([oldest, *map(self._age, ids)])
        return Waiting(depth, oldest)

    def _age(self, item: bytes) -> float:
        return max(0.0, self._clock.now() - int(item.split(b"-")[0]) / 1000)


class RabbitQueue:
    """A queue of RabbitMQ. When a message of a classic one came says its own `timestamp`, in whole seconds."""

    def __init__(self, queue: str, numbers: Numbers, clock: Clock) -> None:
        self._queue = queue
        self._numbers = numbers
        self._clock = clock
        self._empty = clock.now()
        """When it was last seen so, at first when this began to look."""
        self._seen = False

    async def look(self) -> Waiting:
        """Ask. Raises one of FAILURES, or ValueError when the queue was there and is gone: what it held is not known.

        Before the app first declares it nothing waits.
        """
        # Those in a worker's hands count, in both numbers.
        own = {name: value for name, _, value in await self._numbers.of(WAITING, self._queue)}
        depth, came, now = int(own.get(DEPTH, 0)), own.get(HEAD, 0.0), self._clock.now()
        self._seen |= DEPTH in own
        if not depth:
            self._empty = now
            if DEPTH not in own and self._seen:
                raise ValueError(f"the queue {self._queue} was there and is gone, with what it held")
            return Waiting(0, 0.0)
        # Not a number where no message has a time. It came since the queue was empty: that long at most it has waited.
        known = 0 < came <= now + AHEAD_SECONDS
        return Waiting(depth, max(0.0, now - (came if known else self._empty)))

    def forget(self) -> None:
        """It has been taken away on purpose: until it is declared again nothing waits."""
        self._seen = False


class Places:
    """A queue that may be in any of several stores: what waits is all that waits there."""

    def __init__(self, looks: list[Look]) -> None:
        self._looks = looks

    async def look(self) -> Waiting:
        """Ask each. Raises as they do: a part of the truth is none."""
        found = [await look() for look in self._looks]
        return Waiting(sum(each.depth for each in found), max((each.oldest for each in found), default=0.0))


class Observer:
    """Looks once a second, for as long as its task runs; what cannot be seen has no number."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self.waiting: dict[str, Waiting] = {}
        """By queue."""
        self._beat: float | None = None
        self._rabbits: list[RabbitQueue] = []
        self._problems: dict[str, str] = {}

    @property
    def beat_age(self) -> float | None:
        """Seconds since the last heartbeat; None without one."""
        return None if self._beat is None else self._clock.now() - self._beat

    async def run(self) -> None:
        """For ever."""
        system = Postgres(self._config, "postgres")
        redis = self._open_redis()
        numbers = Numbers(self._config.rabbitmq_metrics, CALL_SECONDS) if self._config.rabbitmq_metrics else None
        try:
            async with asyncio.TaskGroup() as tasks:
                for queue in self._config.queues:
                    tasks.create_task(self._follow(queue, redis, numbers), name=f"queue {queue.name}")
                if self._config.postgres and self._config.postgres_replicas:
                    tasks.create_task(self._each(BEAT_SECONDS, "heartbeat", lambda: self._write(system)))
        except Exception:
            log.exception("nothing is observed any more")
            raise
        finally:
            # Else the last numbers would be on the page for ever, and pass for new ones.
            self.waiting.clear()
            self._beat = None
            system.close()
            if redis:
                await redis.aclose()
            if numbers:
                await numbers.close()

    def forget(self) -> None:
        """A reset took the queues away: one that is not there is empty again."""
        for each in self._rabbits:
            each.forget()

    def _open_redis(self) -> Redis | None:
        if not self._config.redis:
            return None
        host, port = split(self._config.redis)
        return Redis(
            host=host,
            port=port,
            socket_timeout=CALL_SECONDS,
            socket_connect_timeout=CALL_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    async def _follow(self, queue: Queue, redis: Redis | None, numbers: Numbers | None) -> None:
        # In a store that the learner left out nothing waits.
        looks: list[Look] = []
        if queue.redis is not None and redis is not None:
            looks.append(RedisQueue(queue.redis, redis, self._clock).look)
        if queue.rabbitmq is not None and numbers is not None:
            rabbit = RabbitQueue(queue.rabbitmq, numbers, self._clock)
            self._rabbits.append(rabbit)
            looks.append(rabbit.look)
        if queue.sql is not None:
            # A connection of its own: asyncpg's does one thing at a time.
            looks.append(SqlQueue(queue.sql, Postgres(self._config, "lab", "app")).look)
        look = Places(looks).look
        await self._each(QUEUE_SECONDS, f"queue {queue.name}", lambda: self._look(queue.name, look))

    async def _look(self, name: str, look: Look) -> None:
        try:
            self.waiting[name] = await look()
        except BaseException:
            self.waiting.pop(name, None)
            raise

    async def _write(self, system: Postgres) -> None:
        await system.row("SELECT pg_logical_emit_message(true, 'faultline', 'heartbeat')")
        self._beat = self._clock.now()

    async def _each(self, seconds: float, what: str, do: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await do()
                problem = ""
            except (*FAILURES, ValueError) as error:
                # Faults on the stores do this; the number is missing meanwhile, and whoever needs it hears of that.
                problem = repr(error)
            if problem != self._problems.get(what, ""):
                log.info("%s: %s", what, problem or "is there again")
            self._problems[what] = problem
            await asyncio.sleep(seconds)
