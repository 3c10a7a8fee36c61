"""What the injector is told: its edges (a JSON file), the token, and where the lab's data stores are.

FAULTLINE_EDGES                 JSON file, default /etc/faultline/edges.json:
                                [{"name": "a->b", "listen": "0.0.0.0:21000", "api": 22000, "upstream": "HOST:PORT"}]
FAULTLINE_TOKEN                 the bearer token that every call needs but /healthz and /metrics
FAULTLINE_JOURNAL_DIR           a folder that outlives the container (emptyDir), default /var/lib/faultline-injector
FAULTLINE_TOXIPROXY             the toxiproxy-server program, default from PATH
FAULTLINE_LISTEN                where the API listens, default 0.0.0.0:8090
FAULTLINE_OWN_NETWORK           1 where the network namespace is this process' own (a pod's): only there does it use
                                nftables, to count connections and to drop packets
FAULTLINE_POSTGRES              HOST:PORT of the primary, past the edges; empty without Postgres
FAULTLINE_POSTGRES_ADMIN_PASSWORD  of the superuser `postgres`: recreates database `lab` from `seed`
FAULTLINE_POSTGRES_APP_PASSWORD    of the role `app`: the probes' own connections through the edges, default app
FAULTLINE_POSTGRES_REPLICAS     how many replicas must stream before the lab is ready, default 0
FAULTLINE_POSTGRES_REPLICA      HOST:PORT of a name that has the address of every replica, past the edges
FAULTLINE_POSTGRES_SECOND       HOST:PORT of the second primary, past the edges; empty without it
FAULTLINE_REDIS                 HOST:PORT of Redis, past the edges; empty without Redis
FAULTLINE_REDIS_MAXMEMORY       its settings as the scenario has them: what a fault that changes them goes back to
FAULTLINE_REDIS_POLICY
FAULTLINE_RABBITMQ              HOST:PORT of RabbitMQ, past the edges; empty without it
FAULTLINE_RABBITMQ_METRICS      HOST:PORT of the numbers that it exports
FAULTLINE_LOADGEN               HOST:PORT of the load generator's API, default loadgen:8091 in the same namespace
FAULTLINE_LAB_NAMESPACE         where the lab's pods are; empty without pods to act on
FAULTLINE_HARNESS_NAMESPACE     where this injector is, and may leave orders for the helper on the host
FAULTLINE_NODE                  the node that this injector runs on, which no fault takes down
FAULTLINE_SERVICES              the lab's services, separated by commas; as NAME:N where faults may take only so many
                                of its pods at once
FAULTLINE_QUEUES                JSON: the scenario's app.queues, to be watched
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError

from faultline.api.app import Queue
from faultline.api.base import EdgeName, Model
from faultline.errors import InvalidInput
from faultline.faults.base import Parts
from faultline.names import INJECTOR_PORT, LOADGEN_PORT

Address = Annotated[str, StringConstraints(pattern=r"^[^\s:/]+:[0-9]{1,5}$", max_length=260)]
"""HOST:PORT."""

Protocol = Literal["http", "postgres", "redis", "amqp"]
"""What speaks behind an edge, so that a probe can ask it something."""

REPLICATION = "primary->replica"
"""The edge of the replication stream."""

_PROTOCOLS: dict[str, Protocol] = {
    "postgres": "postgres",
    "postgres-replica": "postgres",
    "postgres-second": "postgres",
    "pgbouncer": "postgres",
    "redis": "redis",
    "rabbitmq": "amqp",
    "replica": "postgres",  # the replication stream's edge leads to the primary
}


def split(address: Address) -> tuple[str, int]:
    """Host and port of HOST:PORT."""
    host, port = address.rsplit(":", 1)
    return host, int(port)


def _from_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


class EdgeConfig(Model):
    """One edge: where its Toxiproxy process listens, has its API (on loopback), and sends what it gets."""

    name: EdgeName
    listen: Address
    api: int = Field(ge=1, le=65535)
    upstream: Address

    @property
    def protocol(self) -> Protocol:
        """What speaks behind the edge; every service is HTTP."""
        return _PROTOCOLS.get(self.name.rpartition("->")[2], "http")

    @property
    def loopback(self) -> tuple[str, int]:
        """Where this pod itself reaches the edge: probes go by loopback, so that they are not counted as clients."""
        return "127.0.0.1", split(self.listen)[1]


class Config(Model):
    """All of it."""

    edges: list[EdgeConfig] = Field(min_length=1)
    token: str = Field(min_length=8)
    journal_dir: Path = Path("/var/lib/faultline-injector")
    toxiproxy: str = "toxiproxy-server"
    listen: Address = f"0.0.0.0:{INJECTOR_PORT}"
    own_network: bool = False
    postgres: Address | None = None
    postgres_admin_password: str = ""
    postgres_app_password: str = "app"  # noqa: S105 the lab's own, known role: learners see it in POSTGRES_URL
    postgres_replicas: int = Field(0, ge=0)
    postgres_replica: Address | None = None
    postgres_second: Address | None = None
    redis: Address | None = None
    redis_maxmemory: str = "0"
    redis_policy: str = "noeviction"
    rabbitmq: Address | None = None
    rabbitmq_metrics: Address | None = None
    loadgen: Address = f"loadgen:{LOADGEN_PORT}"
    queues: Annotated[list[Queue], BeforeValidator(_from_json)] = Field(default_factory=list)
    lab_namespace: str = ""
    harness_namespace: str = ""
    node: str = ""
    services: str = ""

    @property
    def caps(self) -> dict[str, int]:
        """How many pods of a service faults may take at once, where there is a limit."""
        pairs = [each.partition(":") for each in self.services.split(",")]
        return {name: int(cap) for name, _, cap in pairs if cap}

    @property
    def parts(self) -> Parts:
        """What of the lab faults may act on."""
        stores = {
            "postgres": bool(self.postgres),
            "postgres-replica": bool(self.postgres_replicas),
            "redis": bool(self.redis),
            "rabbitmq": bool(self.rabbitmq),
            "pgbouncer": any(edge.name == "pgbouncer->postgres" for edge in self.edges),
        }
        services = frozenset(each.partition(":")[0] for each in self.services.split(",") if each)
        return Parts(services, frozenset(name for name, there in stores.items() if there))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Config:
        """Reads the variables above. Raises InvalidInput (FL143) naming what is missing or wrong."""
        path = Path(environment.get("FAULTLINE_EDGES", "/etc/faultline/edges.json"))
        try:
            edges = TypeAdapter(list[EdgeConfig]).validate_python(json.loads(path.read_text()))
            names = set(cls.model_fields) - {"edges"}
            given = {name: environment.get(f"FAULTLINE_{name.upper()}", "") for name in names}
            return cls.model_validate({"edges": edges} | {name: value for name, value in given.items() if value})
        except (OSError, ValueError, ValidationError) as error:
            message = f"the injector's settings ({path} and FAULTLINE_*) are wrong: {error}"
            raise InvalidInput("FL143", message, "mend the chart's values: they write both") from error
