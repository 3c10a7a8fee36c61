"""Real servers on loopback, each in a process of its own, and clients for them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.forked_loadgen import AS_PYTHON, forking
from tests.preloaded import Forked

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen[bytes] | Forked) -> None:
    """Poll until `url` answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args} ended with {process.returncode} before {url} answered"
        try:
            with urllib.request.urlopen(url, timeout=5.0):  # noqa: S310 (our own server)
                return
        except urllib.error.HTTPError as answer:
            answer.close()
            return
        except OSError:
            time.sleep(0.03)  # between two polls
    raise AssertionError(f"{url} did not answer within {START_SECONDS} s")


@contextmanager
def running(command: list[str], url: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process from the answer of `url` on until the end of the block."""
    process = subprocess.Popen(command, env=os.environ | env | {"PYTHONPATH": str(ROOT / "services")})
    try:
        wait_for(url, process)
        yield process
    finally:
        process.terminate()
        process.wait(START_SECONDS)


LOAD_PY = """
from loadgen import ArrivalUser, task

class Buyer(ArrivalUser):
    @task
    def buy(self):
        order = f"o-{self.random.getrandbits(32):08x}"
        self.call("buy", "POST", "/orders", json={"id": order}, key=order, value=self.random.randrange(9))
"""


@pytest.fixture
def make_plan() -> Callable[..., dict]:
    """`make_plan(**changes)`: a short run against nothing in particular."""

    def make(**changes: object) -> dict:
        return {
            "scenario": "test",
            "seed": 7,
            "load_py": LOAD_PY,
            "target": "http://127.0.0.1:1",
            "stages": [{"at": 0, "rate": 120}],
            "deadline": 15,
            # Deadline and drain are for a machine that is busy with something else; a run ends when all is answered.
            "windows": {"baseline": [0, 0.5], "fault": [0.5, 1], "recovery": [1, 1.5], "drain": [1.5, 21.5]},
            "fault_end": 1,
            **changes,
        }

    return make


Serve = Callable[..., str]


@contextmanager
def serving(target: str, folder: Path, env: dict[str, str]) -> Iterator[tuple[str, Forked]]:
    """labkit.serve with the modules of a folder; gives its base URL and the process."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    arguments = [target, "--host", "127.0.0.1", "--port", str(port)]
    process = Forked("labkit.serve", arguments, path=str(folder), environment=env)
    try:
        wait_for(f"{url}/healthz", process)
        yield url, process
    finally:
        process.terminate()
        process.wait(START_SECONDS)


@pytest.fixture
def serve_process(tmp_path: Path) -> Iterator[Callable[..., tuple[str, Forked]]]:
    """`serve_process(target, source=None, **env)`: labkit.serve in a process; gives its base URL and the process.

    With `source`, that is the text of the module.
    """
    with ExitStack() as stack:

        def start(target: str, source: str | None = None, **env: str) -> tuple[str, Forked]:
            if source is not None:
                (tmp_path / f"{target.partition(':')[0]}.py").write_text(source)
            return stack.enter_context(serving(target, tmp_path, env))

        yield start


@pytest.fixture
def serve(serve_process: Callable[..., tuple[str, Forked]]) -> Serve:
    """The same, giving the base URL only."""
    return lambda *arguments, **options: serve_process(*arguments, **options)[0]


class Loadgen:
    """A client of the load generator."""

    def __init__(self, api: str, metrics: str) -> None:
        self.metrics_url = metrics
        self.put: set[str] = set()
        headers = {"Authorization": "Bearer secret"}
        # All is plain HTTP; certificates are slow to load.
        self.client = httpx.AsyncClient(base_url=api, headers=headers, timeout=60.0, verify=False)  # noqa: S501

    async def prepare(self, run: str, plan: dict) -> httpx.Response:
        """PUT it, to be deleted after the test."""
        self.put.add(run)
        return await self.client.put(f"/runs/{run}", json=plan)

    async def wait(self, run: str, *states: str, seconds: float = 120.0) -> dict:
        """Poll until the run is in one of these states."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = (await self.client.get(f"/runs/{run}")).json()
            if status["state"] in states:
                return status
            await asyncio.sleep(0.1)
        raise AssertionError(f"run {run} did not come to {states} within {seconds} s: {status}")

    async def run(self, run: str, plan: dict, lead: float = 0.1) -> dict:
        """Put, start and see to its end; gives the last status."""
        response = await self.prepare(run, plan)
        assert response.status_code == 201, response.text
        status = await self.wait(run, "ready", "failed")
        if status["state"] == "failed":
            return status
        response = await self.client.post(f"/runs/{run}/start", json={"mark": time.time() + lead})
        assert response.status_code == 200, response.text
        return await self.wait(run, "done", "failed")

    async def metrics(self) -> str:
        """The text that Prometheus gets."""
        return (await self.client.get(self.metrics_url)).text


@contextmanager
def load_generator(folder: Path, command: list[str]) -> Iterator[tuple[str, str]]:
    """A load generator in a process of its own: API and metrics."""
    api, metrics = free_port(), free_port()
    env = {
        "FAULTLINE_TOKEN": "secret",
        "FAULTLINE_DATA": str(folder),
        "LOADGEN_HOST": "127.0.0.1",
        "LOADGEN_PORT": str(api),
        "LOADGEN_METRICS_PORT": str(metrics),
    }
    url = f"http://127.0.0.1:{api}"
    with running(command, f"{url}/healthz", env):
        yield url, f"http://127.0.0.1:{metrics}/metrics"


@pytest.fixture(scope="session")
def loadgen_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A load generator for all tests, whose runs are forked: API and metrics."""
    folder = tmp_path_factory.mktemp("loadgen")
    with (
        forking(folder, os.environ | {"PYTHONPATH": str(ROOT / "services")}) as program,
        load_generator(folder, [sys.executable, "-c", AS_PYTHON, str(program)]) as urls,
    ):
        yield urls


@asynccontextmanager
async def client_of(urls: tuple[str, str]) -> AsyncIterator[Loadgen]:
    """A client; its runs are deleted in the end."""
    generator = Loadgen(*urls)
    async with generator.client:
        yield generator
        for run in generator.put:
            generator.client.headers["Authorization"] = "Bearer secret"
            await generator.client.delete(f"/runs/{run}")


@pytest.fixture
async def loadgen(loadgen_urls: tuple[str, str]) -> AsyncIterator[Loadgen]:
    """A load generator without a run."""
    async with client_of(loadgen_urls) as one:
        yield one


@pytest.fixture
async def plain_loadgen(tmp_path: Path) -> AsyncIterator[Loadgen]:
    """The same, as a pod starts it, for one test: its runs are processes that import all they need."""
    with load_generator(tmp_path, [sys.executable, "-m", "loadgen"]) as urls:
        async with client_of(urls) as one:
            yield one
