"""What tests share: a real injector over real Toxiproxy processes, a server to stand behind it, a real Prometheus."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from tests import servers
from tests.stores import SEED, Stores

from faultline.injector.config import Config, EdgeConfig
from faultline.injector.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TOKEN = "a-token-of-the-tests"
EDGES = ("client->a", "a->b")
SERVERS = {
    *("toxiproxy", "serve_process", "loadgen_urls", "plain_loadgen", "chromium", "porcupine"),
    *("postgres", "redis", "rabbitmq"),
}
"""Fixtures that start programs: servers, a browser, a compiler."""

# How long an example takes says nothing on a busy machine.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
# What `make check` tries of made-up data; `make test` has Hypothesis' own hundred, or what a test says.
settings.register_profile("check", settings.get_profile("unhurried"), max_examples=10)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of a real server is an integration test, whichever file it is in; before `-m` chooses."""
    for each in items:
        if SERVERS & set(getattr(each, "fixturenames", ())):
            each.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def toxiproxy() -> str:
    """The program. Tests of faults are worth nothing without the real one, so its absence fails them."""
    home = Path(os.environ.get("FAULTLINE_HOME") or Path.home() / ".faultline")
    for name in (os.environ.get("FAULTLINE_TOXIPROXY"), str(home / "bin/toxiproxy-server"), "toxiproxy-server"):
        if name and (found := shutil.which(name)):
            return found
    pytest.fail("no toxiproxy-server: run `make toxiproxy-server`, or name one by FAULTLINE_TOXIPROXY")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's browser. `make` brings it where it may; a test of pages is worth nothing without one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.fail("there is no chromium: run `tools/browser`")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """It, running, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Without its sandbox, which needs rights that a container or root has not.
        one = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], timeout=120_000)
        yield one
        one.close()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def ports() -> type:
    """`ports.free(n)`."""
    return type("Ports", (), {"free": staticmethod(free_ports)})


class Backend:
    """A dependency: answers lines (`ping`, `bulk N`, `bye`) and HTTP's GET, and remembers what reached it."""

    def __init__(self) -> None:
        self.port = 0
        self.lines: list[bytes] = []
        self.connections = 0
        self.hang = asyncio.Event()
        self.hang.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                await self.hang.wait()
                if not await self.answer(line.strip(), reader, writer):
                    break
        except OSError:
            return  # the proxy cut the connection, which is what tests have it do
        finally:
            self._writers.discard(writer)
            writer.close()

    async def answer(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.lines.append(line)
        if line.startswith(b"GET "):
            closing = False
            while header := (await reader.readline()).strip():
                closing = closing or header == b"Connection: close"
            pad = int(line.partition(b"pad=")[2].partition(b" ")[0] or 2)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (pad, b"x" * pad))
            await writer.drain()
            return not closing
        if line.startswith(b"bulk "):
            writer.write(b"x" * int(line.split()[1]))
        elif line == b"bye":
            writer.write(b"bye\n")
            return False
        else:
            writer.write(b"pong\n")
        await writer.drain()
        return True

    def close_all(self) -> None:
        self.hang.set()
        for writer in list(self._writers):
            writer.transport.abort()


@asynccontextmanager
async def serving() -> AsyncIterator[Backend]:
    backend = Backend()
    server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    backend.port = server.sockets[0].getsockname()[1]
    try:
        yield backend
    finally:
        server.close()
        backend.close_all()
        await asyncio.sleep(0)


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    """A dependency that works."""
    async with serving() as one:
        yield one


@pytest.fixture(scope="session")
def prometheus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Starts a real Prometheus that holds the given OpenMetrics text; gives its URL. For tests marked e2e."""
    with ExitStack() as stack:
        yield lambda text: stack.enter_context(_prometheus(tmp_path_factory.mktemp("prometheus"), text))


@contextmanager
def _prometheus(folder: Path, text: str) -> Iterator[str]:
    folder.chmod(0o777)  # our image runs it as another user
    (folder / "series.txt").write_text(text)
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    prefix = _prometheus_program(folder)
    blocks = ["tsdb", "create-blocks-from", "openmetrics", f"{folder}/series.txt", f"{folder}/data"]
    subprocess.run([*prefix, "promtool", *blocks], check=True, capture_output=True, timeout=180)
    (port,) = free_ports(1)
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*prefix, *command], stdout=log, stderr=log)
        try:
            _until_ready(f"http://127.0.0.1:{port}", process, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=BUSY_SECONDS)


def _prometheus_program(folder: Path) -> list[str]:
    """Nothing when the host has the programs, else what runs them from our image."""
    if shutil.which("prometheus") and shutil.which("promtool"):
        return []
    listing = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "faultline/prometheus"]
    images = subprocess.run(listing, check=True, capture_output=True, text=True, timeout=BUSY_SECONDS).stdout.split()
    if not images:
        pytest.fail(
            "there is neither a prometheus on this host nor the image faultline/prometheus: `make up` builds it"
        )
    return ["docker", "run", "--rm", "--network=host", f"--volume={folder}:{folder}", "--entrypoint=", images[0]]


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"prometheus did not come up: {log.read_text()}")


BUSY_SECONDS = 60.0
"""For what has to come, on a machine that does much else. What may not come is waited for much shorter."""


async def until(
    condition: Callable[[], Awaitable[Any] | Any], seconds: float = BUSY_SECONDS, pause: float = 0.005
) -> Any:
    """Polls until `condition` gives something true; fails after `seconds`. Rests for `pause` seconds in between."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds}s"
        await asyncio.sleep(pause)


class Client:
    """A connection through an edge."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, line: bytes = b"ping") -> tuple[bytes, float]:
        """The answer's line and how long it took."""
        started = time.monotonic()
        self.writer.write(line + b"\n")
        answer = await self.reader.readline()
        return answer, time.monotonic() - started

    async def answers(self, seconds: float = 0.3) -> bool:
        """Whether an answer comes within that time."""
        try:
            async with asyncio.timeout(seconds):
                return (await self.ask())[0] == b"pong\n"
        except (TimeoutError, OSError):
            return False

    async def works(self) -> bool:
        """Whether an answer comes, however busy the machine is."""
        return await self.answers(BUSY_SECONDS)

    def close(self) -> None:
        self.writer.transport.abort()


async def answers(port: int, seconds: float = 0.3) -> bool:
    """Whether a new connection to `port` gets an answer within that time."""
    try:
        async with asyncio.timeout(seconds):
            client = await Client.open(port)
    except (OSError, TimeoutError):
        return False
    try:
        return await client.answers(seconds)
    finally:
        client.close()


async def works(port: int) -> bool:
    """Whether a new connection to `port` gets an answer, however busy the machine is.

    One that is too slow to clean an edge by its API ends the edge's process, which is away for a moment then.
    """
    return bool(await until(lambda: answers(port, 5.0)))


async def hang(pid: int) -> None:
    """Stop a process. One with threads may still answer for a moment after the signal."""
    os.kill(pid, signal.SIGSTOP)

    def stopped() -> bool:
        states = [each.read_text().rpartition(")")[2].split()[0] for each in Path(f"/proc/{pid}/task").glob("*/stat")]
        return set(states) == {"T"}

    await until(stopped)


@pytest.fixture
def tools() -> type:
    """The helpers above."""
    helpers = {"until": until, "answers": answers, "works": works, "hang": hang}
    return type("Tools", (), {"Client": Client} | {name: staticmethod(each) for name, each in helpers.items()})


@pytest.fixture
def config(toxiproxy: str, backend: Any, ports: Any, tmp_path: Path) -> Config:
    found = ports.free(2 * len(EDGES) + 1)
    edges = [
        EdgeConfig(name=name, listen=f"127.0.0.1:{found[2 * i]}", api=found[2 * i + 1], upstream=backend.address)
        for i, name in enumerate(EDGES)
    ]
    return Config(
        edges=edges, token=TOKEN, journal_dir=tmp_path / "journal", toxiproxy=toxiproxy, listen=f"127.0.0.1:{found[-1]}"
    )


@pytest.fixture
async def lab(config: Config) -> AsyncIterator[Lab]:
    """An injector in this process."""
    async with Lab(config) as one:
        yield one


@pytest.fixture(scope="session")
def postgres_ports() -> Iterator[tuple[int, int]]:
    """Of a primary and its replica."""
    with servers.postgres(SEED) as found:
        yield found


@pytest.fixture(scope="session")
def redis_port() -> Iterator[int]:
    """Of a Redis server."""
    with servers.redis() as found:
        yield found


@pytest.fixture(scope="session")
def rabbitmq_ports() -> Iterator[tuple[int, int]]:
    """Of a RabbitMQ server: AMQP, its numbers."""
    with servers.rabbitmq() as found:
        yield found


@pytest.fixture
def rabbitmq(config: Config, rabbitmq_ports: tuple[int, int]) -> Config:
    """Of an injector that has a RabbitMQ server. For tests marked e2e."""
    port, metrics = rabbitmq_ports
    return config.model_copy(update={"rabbitmq": f"127.0.0.1:{port}", "rabbitmq_metrics": f"127.0.0.1:{metrics}"})


@pytest.fixture
def postgres(config: Config, postgres_ports: tuple[int, int], tmp_path: Path) -> Stores:
    """A primary and its replica. For tests marked e2e."""
    primary, replica = postgres_ports
    changes = {
        "postgres": f"127.0.0.1:{primary}",
        "postgres_replica": f"127.0.0.1:{replica}",
        "postgres_replicas": 1,
        "postgres_admin_password": servers.ADMIN,
    }
    return Stores(config.model_copy(update=changes), tmp_path / "journals")


@pytest.fixture
def redis(config: Config, redis_port: int, tmp_path: Path) -> Stores:
    """A Redis server. For tests marked e2e."""
    changes = {"redis": f"127.0.0.1:{redis_port}", "redis_maxmemory": "64mb"}
    return Stores(config.model_copy(update=changes), tmp_path / "journals")
