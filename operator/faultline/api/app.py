"""`spec.app`: the system under test. Each dependency of a service is an edge, and each edge runs through Toxiproxy."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from faultline.api.base import EdgeName, Line, Model, Slug

EDGE_PORT_BASE = 21000
"""Listen port of the first edge in the harness; the others follow in the order of `edges()`."""

DATA_STORES = {
    "postgres": 5432,
    "postgres-replica": 5432,
    "postgres-second": 5432,
    "redis": 6379,
    "pgbouncer": 6432,
    "rabbitmq": 5672,
}
OPTIONAL_STORES = ("redis", "rabbitmq")
"""Those that a learner's values may leave out."""
SERVICE_PORT = 8000

CPU_PATTERN = r"^[0-9]{1,5}m$"
Cpu = Annotated[str, StringConstraints(pattern=CPU_PATTERN, max_length=6)]
Memory = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}Mi$", max_length=7)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,62}$", max_length=63)]
EnvValue = Annotated[str, StringConstraints(max_length=400)]


class Service(Model):
    """One Deployment of the lab.

    `module` is what uvicorn serves, as in `gateway.main:app`. With `shared: true` the code comes from the image
    (services/, ours: a payments provider), otherwise from the scenario's or the learner's files.
    `dependencies` names services or data stores; each becomes an edge `name->dependency` and gives the service
    `<DEPENDENCY>_URL` (upper case, dashes as underscores).
    """

    name: Slug
    module: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.]*:[a-z_][a-z0-9_]*$", max_length=100)]
    shared: bool = False
    replicas: int = Field(1, ge=0, le=10)
    cpu: Cpu = "200m"
    memory: Memory = "128Mi"
    dependencies: list[Slug] = Field(default_factory=list, max_length=12)
    env: dict[EnvName, EnvValue] = Field(default_factory=dict, max_length=40)
    max_unavailable: int | None = Field(
        None, ge=0, le=10, alias="maxUnavailable", description="how many of its pods faults may take at once; all"
    )


class Postgres(Model):
    """A primary with `replicas` streaming replicas behind the edge `primary->replica`."""

    replicas: int = Field(0, ge=0, le=4)
    second: bool = Field(
        False,
        description="another primary beside it, postgres-second, with the same seed and no replica: another site's",
    )
    max_connections: int = Field(50, ge=10, le=500, alias="maxConnections")
    cpu: Cpu = "300m"
    memory: Memory = "256Mi"


class Redis(Model):
    """One Redis server, nothing persisted."""

    replicas: int = Field(1, ge=0, le=1, description="0 leaves it out, and with it the edges to it")
    maxmemory: Memory = "64Mi"
    policy: Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,20}$", max_length=20)] = "noeviction"
    cpu: Cpu = "100m"
    memory: Memory = "96Mi"


class Pgbouncer(Model):
    """A pgbouncer in front of the primary."""

    pool_mode: Annotated[str, StringConstraints(pattern=r"^(session|transaction|statement)$", max_length=12)] = Field(
        "transaction", alias="poolMode"
    )
    pool_size: int = Field(20, ge=1, le=500, alias="poolSize")
    max_client_connections: int = Field(500, ge=1, le=5000, alias="maxClientConnections")
    cpu: Cpu = "100m"
    memory: Memory = "64Mi"


class Rabbitmq(Model):
    """One RabbitMQ server; its queues and messages last as long as its pod."""

    replicas: int = Field(1, ge=0, le=1, description="0 leaves it out, and with it the edges to it")
    cpu: Cpu = "160m"
    memory: Memory = "256Mi"


class Queue(Model):
    """A queue that measures look at; the harness reads it in its data store once a second.

    Where a learner may choose the store, it names a place in each: what waits is all that waits in any of them.
    """

    name: Slug
    redis: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="key of a list or a stream in Redis"
    )
    rabbitmq: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="name of a classic queue in RabbitMQ; how old a message is says its property timestamp"
    )
    sql: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        None,
        description="a SELECT of how many wait (count) and since when the oldest does (timestamptz, null for none)",
    )

    @model_validator(mode="after")
    def _some_place(self) -> Self:
        if self.redis is None and self.rabbitmq is None and self.sql is None:
            raise ValueError("must have at least one place, of redis, rabbitmq, sql, got none")
        return self

    def stores(self) -> list[str]:
        """The data stores that it has a place in."""
        places = {"redis": self.redis, "rabbitmq": self.rabbitmq, "postgres": self.sql}
        return [name for name, place in places.items() if place is not None]


Value = int | float | str
_STORE_VALUES = (
    r"postgres\.maxConnections|redis\.(replicas|maxmemory|policy)|rabbitmq\.replicas|"
    r"pgbouncer\.(poolMode|poolSize|maxClientConnections)"
)
VALUE_PATTERN = rf"^(services\.[a-z][a-z0-9-]{{0,39}}\.(replicas|env\.[A-Z][A-Z0-9_]{{0,62}})|{_STORE_VALUES})$"


class Tunable(Model):
    """A value that the learner may set in `values.yaml`: a number from min to max, or one of the choices."""

    value: Annotated[str, StringConstraints(pattern=VALUE_PATTERN, max_length=120)] = Field(
        description="such as services.web.replicas, services.web.env.POOL_SIZE or pgbouncer.poolSize"
    )
    min: float | None = None
    max: float | None = None
    choices: list[EnvValue] = Field(default_factory=list, max_length=12)
    reason: Line = Field(description="why not more and not less; told with each refusal")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        numbers = self.min is not None and self.max is not None
        if numbers == bool(self.choices) or (self.min is None) != (self.max is None):
            raise ValueError("must have either min and max or choices")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must be at most max = {self.max:g}, got {self.min:g}")
        return self

    def problem(self, value: Value) -> str:
        """The rule that a value breaks; empty when it may be set."""
        if self.choices:
            return "" if str(value) in self.choices else f"must be one of {', '.join(self.choices)}"
        try:
            number = float(value)
        except ValueError:
            return "must be a number"
        if self.min is None or self.max is None or self.min <= number <= self.max:
            return ""
        return f"must be from {self.min:g} to {self.max:g}"


class App(Model):
    """The system: services, data stores, and which service the client enters by."""

    entry: Slug
    services: list[Service] = Field(min_length=1, max_length=12)
    postgres: Postgres | None = None
    redis: Redis | None = None
    pgbouncer: Pgbouncer | None = None
    rabbitmq: Rabbitmq | None = None
    queues: list[Queue] = Field(default_factory=list, max_length=5)
    tunable: list[Tunable] = Field(default_factory=list, max_length=20, description="values that the learner may set")

    @model_validator(mode="after")
    def _tunable_values_are_there(self) -> Self:
        services = {each.name: each for each in self.services}
        for index, rule in enumerate(self.tunable):
            part, *rest = rule.value.split(".")
            if part != "services":
                if getattr(self, part) is None:
                    raise ValueError(f"tunable[{index}].value needs {part} in the app, got {rule.value}")
            elif rest[0] not in services or services[rest[0]].shared:
                own = ", ".join(name for name, each in services.items() if not each.shared)
                raise ValueError(f"tunable[{index}].value must be of one of {own}, got {rule.value}")
        return self

    @model_validator(mode="after")
    def _queues_have_a_place(self) -> Self:
        for index, queue in enumerate(self.queues):
            if queue.redis is not None and self.redis is None:
                raise ValueError(f"queues[{index}].redis needs redis in the app, got {queue.redis}")
            if queue.rabbitmq is not None and self.rabbitmq is None:
                raise ValueError(f"queues[{index}].rabbitmq needs rabbitmq in the app, got {queue.rabbitmq}")
            if queue.sql is not None and self.postgres is None:
                raise ValueError(f"queues[{index}].sql needs postgres in the app, got {queue.sql}")
        if len({queue.name for queue in self.queues}) != len(self.queues):
            raise ValueError(f"queues must have unique names, got {', '.join(queue.name for queue in self.queues)}")
        return self

    def stores(self, *, off: bool = False) -> frozenset[str]:
        """The data stores that run, by the names of `DATA_STORES`; with `off` those with no replicas as well."""
        found = {
            "postgres": self.postgres is not None,
            "postgres-replica": self.postgres is not None and self.postgres.replicas > 0,
            "postgres-second": self.postgres is not None and self.postgres.second,
            "redis": self.redis is not None and (off or self.redis.replicas > 0),
            "pgbouncer": self.pgbouncer is not None,
            "rabbitmq": self.rabbitmq is not None and (off or self.rabbitmq.replicas > 0),
        }
        return frozenset(name for name, there in found.items() if there)

    def optional(self) -> dict[str, str]:
        """The data stores that the learner's values may leave out here, each with the rule that lets them."""
        return {
            store: f"app.tunable[{index}]"
            for index, rule in enumerate(self.tunable)
            for store in OPTIONAL_STORES
            if rule.value == f"{store}.replicas" and not rule.problem(0)
        }

    def edges(self, *, off: bool = False) -> dict[EdgeName, Edge]:
        """All edges by name, in a stable order: the client's way in, services' dependencies, replication.

        None leads to a store that is left out, unless `off` wants those as well. The other edges keep their ports.
        """
        left_out = frozenset[str]() if off else self.stores(off=True) - self.stores()
        found = [("client", self.entry)]
        found += [(service.name, target) for service in self.services for target in service.dependencies]
        if self.postgres and self.postgres.replicas:
            found.append(("primary", "replica"))
        if self.pgbouncer:
            found.append(("pgbouncer", "postgres"))
        return {
            f"{source}->{target}": Edge(source=source, target=target, port=EDGE_PORT_BASE + index)
            for index, (source, target) in enumerate(found)
            if target not in left_out
        }


class Edge(Model):
    """One proxied connection: `port` is where the harness listens for `source` on behalf of `target`."""

    source: str
    target: str
    port: int

    @property
    def name(self) -> str:
        """`source->target`."""
        return f"{self.source}->{self.target}"

    @property
    def upstream(self) -> tuple[str, int]:
        """The Service name inside the lab's namespace and its port."""
        if self.name == "primary->replica":
            return "postgres", DATA_STORES["postgres"]
        return self.target, DATA_STORES.get(self.target, SERVICE_PORT)
