"""Real Postgres and Redis servers of our own images, for tests of what the injector does to them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

IMAGES = Path(__file__).parents[1] / "images"
ADMIN = "admin-of-the-tests"
PRIMARY, REPLICA = "postgres-0", "postgres-replica-0"
FAST = "-c fsync=off"
"""No test takes the power away, and many servers share one disk."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def image(name: str) -> str:
    """The newest image of ours by that name. Tests of faults are worth nothing without the real server."""
    listing = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", f"faultline/{name}"]
    found = subprocess.run(listing, check=True, capture_output=True, text=True, timeout=120).stdout.split()
    if not found:
        pytest.fail(f"there is no image faultline/{name}: `make up` builds it")
    return found[0]


@contextmanager
def container(name: str, ready: list[str], command: list[str], environment: dict[str, str]) -> Iterator[None]:
    """A container on this host's network, once `ready` succeeds in it."""
    settings = [f"--env={key}={value}" for key, value in environment.items()]
    # Our scripts as they are now, not as they were when the image was made.
    scripts = [f"--volume={path}:/usr/local/bin/{path.name}:ro" for path in (IMAGES / name).glob(f"{name}-*")]
    run = ["docker", "run", "--detach", "--network=host", *settings, *scripts, image(name), *command]
    one = subprocess.run(run, check=True, capture_output=True, text=True, timeout=180).stdout.strip()
    try:
        deadline = time.monotonic() + 180
        while subprocess.run(["docker", "exec", one, *ready], capture_output=True, timeout=120, check=False).returncode:
            if time.monotonic() > deadline:
                log = subprocess.run(["docker", "logs", one], capture_output=True, text=True, timeout=120, check=False)
                pytest.fail(f"{name} did not come up: {log.stderr[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", one], check=True, capture_output=True, timeout=180)


@contextmanager
def server(port: int, **environment: str) -> Iterator[None]:
    """A Postgres server."""
    common = {"POSTGRES_PASSWORD": "app", "MAX_CONNECTIONS": "30", "SEED": "/tmp/seed.sql", "SEED_DIGEST": "tests"}  # noqa: S108 in the container
    ready = ["pg_isready", "--quiet", "--port", str(port), "--dbname", "lab"]
    command = ["bash", "-c", 'printf %s "${SEED_SQL}" > "${SEED}"; exec postgres-entrypoint']
    with container("postgres", ready, command, common | environment):
        yield


@contextmanager
def postgres(seed: str) -> Iterator[tuple[int, int]]:
    """A primary and its replica; gives their ports."""
    primary, replica = free_port(), free_port()
    with postgres_primary(primary, seed), postgres_replica(replica, primary):
        yield primary, replica


@contextmanager
def postgres_primary(port: int, seed: str, source: int = 0) -> Iterator[None]:
    """A primary; `source` is where it would replicate from, were it no longer one."""
    own = {"ROLE": "primary", "SEED_SQL": seed, "POSTGRES_ADMIN_PASSWORD": ADMIN}
    away = {"PRIMARY_HOST": "127.0.0.1", "PRIMARY_PORT": str(source)}
    with server(port, **own, **away, POSTGRES_ARGS=f"{FAST} -c port={port} -c cluster_name={PRIMARY}"):
        yield


@contextmanager
def postgres_replica(port: int, source: int) -> Iterator[None]:
    """A replica of what answers at `source`."""
    away = {"ROLE": "replica", "PRIMARY_HOST": "127.0.0.1", "PRIMARY_PORT": str(source)}
    with server(port, **away, POSTGRES_ARGS=f"{FAST} -c port={port} -c cluster_name={REPLICA}"):
        yield


@contextmanager
def rabbitmq() -> Iterator[tuple[int, int]]:
    """A RabbitMQ server; gives its ports: AMQP and its own numbers."""
    port, metrics, names, nodes = (free_port() for _ in range(4))
    environment = {
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(nodes),
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-rabbitmq_prometheus tcp_config [{{port,{metrics}}}]",
    }
    ready = ["bash", "-c", f": < /dev/tcp/127.0.0.1/{port}"]
    with container("rabbitmq", ready, [], environment):
        yield port, metrics


@contextmanager
def redis() -> Iterator[int]:
    """A Redis server with the chart's options; gives its port."""
    port = free_port()
    options = ["--port", str(port), "--save", "", "--protected-mode", "no", "--maxmemory", "64mb"]
    ready = ["redis-cli", "-p", str(port), "ping"]
    with container("redis", ready, ["/usr/bin/redis-server", "--enable-debug-command", "yes", *options], {}):
        yield port
