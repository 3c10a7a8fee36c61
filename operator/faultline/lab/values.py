"""From a Scenario to the values of charts/lab. The chart decides nothing: addresses and allow-lists are made here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faultline.api.app import DATA_STORES, SERVICE_PORT, App, Edge, Service
from faultline.api.cpu import millis
from faultline.errors import InvalidInput
from faultline.names import (
    CANARY_EDGE_PORT,
    TOXIPROXY_API_PORT_OFFSET,
    harness_namespace,
    lab_namespace,
)
from faultline.scenario import ScenarioSpec

CPU_LIMIT_MILLIS = 1200
"""What a lab's limits may sum to, so that the lab saturates before a host of two cores does."""

IMAGES = ("runtime", "injector", "loadgen", "netguard", "postgres", "redis", "pgbouncer", "rabbitmq", "exporters")
SEED_CONFIGMAP = "seed"
DATABASE = "lab"


@dataclass(frozen=True)
class CodeVersion:
    """A version of the learner's code: the ConfigMap that holds it and, for each of its keys, the path under /app."""

    digest: str
    configmap: str
    files: Mapping[str, str]


def seed_digest(sql: str) -> str:
    """Names a seed: another one means another template database, and so another Postgres."""
    return hashlib.sha256(sql.encode()).hexdigest()[:12]


def values(
    name: str,
    spec: ScenarioSpec,
    images: Mapping[str, str],
    code: CodeVersion,
    *,
    token: str,
    run_stamp: str | None = None,
    seed: str | None = None,
) -> dict[str, Any]:
    """The chart's values for the Scenario object `name`.

    `images` maps each of `IMAGES` to a reference. `run_stamp` changes when app pods have to be fresh. `seed` is the
    digest of the SQL in the lab's ConfigMap `seed`, None when there is none.
    Raises InvalidInput: FL120 when the limits sum to more than 1.2 cores, FL121 when an image has no reference,
    FL122 when a service is called like a data store.
    """
    check_cpu(spec.app)
    _check_names(spec.app)
    missing = [image for image in IMAGES if not images.get(image)]
    if missing:
        raise InvalidInput("FL121", f"no image reference for {', '.join(missing)}", "run `make up`: it builds them all")
    edges = spec.app.edges()
    lab, harness = lab_namespace(name), harness_namespace(name)
    return {
        "scenario": name,
        "labNamespace": lab,
        "harnessNamespace": harness,
        "token": token,
        "stamp": run_stamp or "",
        "images": {image: images[image] for image in IMAGES},
        "code": {"digest": code.digest, "configMap": code.configmap, "files": dict(code.files)},
        "seed": {"configMap": SEED_CONFIGMAP if seed else "", "digest": seed or ""},
        "edges": [_edge(edge, lab) for edge in edges.values()] + [_canary_edge(harness)],
        "services": [_service(service, _own(edges, service.name), harness) for service in spec.app.services],
        "postgres": _postgres(spec.app),
        "redis": _store(spec.app, "redis"),
        "pgbouncer": _pgbouncer(spec.app),
        "rabbitmq": _store(spec.app, "rabbitmq"),
        "queues": [each.model_dump(exclude_none=True) for each in spec.app.queues],
    }


def dependency_url(edge: Edge, harness: str) -> str:
    """Where the edge's source reaches its target: always the harness, never the target itself."""
    address = f"edges.{harness}.svc.cluster.local:{edge.port}"
    if edge.target in ("postgres", "postgres-replica", "postgres-second", "pgbouncer"):
        return f"postgresql://app:app@{address}/{DATABASE}"
    if edge.target == "redis":
        return f"redis://{address}/0"
    if edge.target == "rabbitmq":
        return f"amqp://app:app@{address}"
    return f"http://{address}"


def _own(edges: Mapping[str, Edge], source: str) -> list[Edge]:
    return [edge for edge in edges.values() if edge.source == source]


def _service(service: Service, own: list[Edge], harness: str) -> dict[str, Any]:
    urls = {f"{edge.target.upper().replace('-', '_')}_URL": dependency_url(edge, harness) for edge in own}
    return {
        "name": service.name,
        "module": service.module,
        "shared": service.shared,
        "replicas": service.replicas,
        "cpu": service.cpu,
        "memory": service.memory,
        "maxUnavailable": service.max_unavailable,
        # Ours last: a scenario cannot lead a service past its edges.
        "env": {**service.env, **urls, "SERVICE_NAME": service.name},
        "egress": [edge.port for edge in own],
    }


def _edge(edge: Edge, namespace: str) -> dict[str, Any]:
    host, port = edge.upstream
    return _proxy(edge.name, edge.port, f"{host}.{namespace}.svc.cluster.local.:{port}")


def _canary_edge(namespace: str) -> dict[str, Any]:
    return _proxy("client->canary", CANARY_EDGE_PORT, f"canary.{namespace}.svc.cluster.local.:{SERVICE_PORT}")


def _proxy(name: str, port: int, upstream: str) -> dict[str, Any]:
    return {"name": name, "port": port, "api": port + TOXIPROXY_API_PORT_OFFSET, "upstream": upstream}


def _postgres(app: App) -> dict[str, Any] | None:
    if app.postgres is None:
        return None
    found = app.postgres.model_dump(by_alias=True)
    if app.postgres.replicas:
        found["replicationPort"] = app.edges()["primary->replica"].port
    return found


def _store(app: App, name: str) -> dict[str, Any] | None:
    """Of one that may be left out: there is one server or none."""
    return getattr(app, name).model_dump(exclude={"replicas"}) if name in app.stores() else None


def _pgbouncer(app: App) -> dict[str, Any] | None:
    if app.pgbouncer is None:
        return None
    return {**app.pgbouncer.model_dump(by_alias=True), "upstreamPort": app.edges()["pgbouncer->postgres"].port}


def cpu_limits(app: App) -> dict[str, int]:
    """Thousandths of a core by component, all replicas together; exporters are ours and do not count."""
    limits = {service.name: millis(service.cpu) * service.replicas for service in app.services}
    if app.postgres:
        limits["postgres"] = millis(app.postgres.cpu) * (1 + app.postgres.replicas + app.postgres.second)
    if app.redis:
        limits["redis"] = millis(app.redis.cpu) * app.redis.replicas
    if app.pgbouncer:
        limits["pgbouncer"] = millis(app.pgbouncer.cpu)
    if app.rabbitmq:
        limits["rabbitmq"] = millis(app.rabbitmq.cpu) * app.rabbitmq.replicas
    return limits


def check_cpu(app: App) -> None:
    """Raises InvalidInput (FL120) when the limits sum to more than a lab may have."""
    limits = cpu_limits(app)
    total = sum(limits.values())
    if total > CPU_LIMIT_MILLIS:
        parts = ", ".join(f"{name} {each}m" for name, each in limits.items())
        raise InvalidInput(
            "FL120",
            f"app: the CPU limits must sum to at most {CPU_LIMIT_MILLIS}m, got {total}m ({parts})",
            "lower `cpu` or `replicas`: the lab has to saturate before the machine does",
        )


def _check_names(app: App) -> None:
    for index, service in enumerate(app.services):
        if service.name in DATA_STORES:
            raise InvalidInput(
                "FL122",
                f"app.services[{index}].name must not be a data store's, got {service.name}",
                "give the service another name",
            )
