"""Code is swapped in a running process: real forks, real sockets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import BUSY_SECONDS, free_ports
from tests.preloaded import Forked

pytestmark = pytest.mark.integration

SERVICES = Path(__file__).parents[2] / "services"


def source(word: str, more: str = "") -> str:
    return f"""
import os
from labkit import create_app
{more}
app = create_app("shop")

@app.get("/word")
async def word():
    return {{"word": "{word}", "digest": os.environ["CODE_DIGEST"], "pid": os.getpid()}}

@app.get("/slow")
async def slow():
    # Ends soon after other code has been imported.
    import asyncio
    while not os.path.exists(os.environ["TMPDIR"] + "/imported"):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    return "{word}"

@app.get("/die")
async def die():
    os._exit(7)
"""


SAYS_SO = "open(os.environ['TMPDIR'] + '/imported', 'w').close()"


class Pod:
    """labkit.serve with a control port, in a working directory as a pod has it.

    `plain` starts Python for it, as a pod does; else it is forked off one that has imported it already.
    """

    def __init__(self, folder: Path, plain: bool = False) -> None:
        self.folder = folder
        port, control = free_ports(2)
        self.url, self.control = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control}/code"
        # A new connection each time: processes change behind the port.
        self.http = httpx.Client(timeout=BUSY_SECONDS, headers={"Connection": "close"})
        arguments = ["shop.main:app", "--host", "127.0.0.1", "--port", str(port), "--control", str(control)]
        path, own = f"{folder}:{SERVICES}", {"CODE_DIGEST": "first", "TMPDIR": str(folder)}
        self.process: Any
        if plain:
            command = [sys.executable, "-m", "labkit.serve", *arguments]
            environment = os.environ | own | {"PYTHONPATH": path}
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        else:
            self.process = Forked("labkit.serve", arguments, path=path, environment=own, folder=str(folder))

    def wait(self) -> Pod:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self.http.get(f"{self.url}/healthz")
            except httpx.ConnectError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return self

    def word(self) -> dict:
        return self.http.get(f"{self.url}/word").json()

    def swap(self, digest: str, files: dict[str, str]) -> httpx.Response:
        return self.http.post(self.control, json={"digest": digest, "files": files})

    def end(self) -> None:
        """Kill it, whatever it does."""
        self.http.close()
        self.process.kill()
        self.process.wait()
        if isinstance(self.process, subprocess.Popen) and self.process.stderr:
            self.process.stderr.close()


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Callable[..., Pod]]:
    pods: list[Pod] = []

    def start(text: str, plain: bool = False) -> Pod:
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop/main.py").write_text(text)
        pods.append(Pod(tmp_path, plain))
        return pods[-1]

    yield start
    for each in pods:
        each.end()


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """One with the old code, for the tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("steady")
    (folder / "shop").mkdir()
    (folder / "shop/main.py").write_text(source("old"))
    one = Pod(folder)
    yield one.wait()
    one.end()


def test_new_code_serves_without_a_new_process_outside(pod):
    shop = pod(source("old")).wait()
    before = shop.word()
    assert (before["word"], before["digest"]) == ("old", "first")
    answer = shop.swap("second", {"shop/main.py": source("new", "from shop.words import W"), "shop/words.py": "W = 1"})
    assert (answer.status_code, answer.json()) == (200, {"digest": "second"})
    after = shop.word()
    assert (after["word"], after["digest"]) == ("new", "second")
    assert after["pid"] != before["pid"]
    assert shop.process.poll() is None
    assert shop.http.get(shop.control).json() == {"digest": "second", "swaps": 1}
    assert shop.http.delete(shop.control).json() == {"digest": "first"}
    assert shop.word()["word"] == "old"


def test_files_of_the_old_code_are_not_found_by_the_new_one(pod, tmp_path):
    shop = pod(source("old"))
    (tmp_path / "shop/left.py").write_text("")
    answer = shop.wait().swap("second", {"shop/main.py": source("new", "import shop.left")})
    assert answer.status_code == 422
    assert "No module named 'shop.left'" in answer.json()["traceback"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("x = (", "SyntaxError"),
        ("import sys; sys.exit(0)", "SystemExit"),
        (
            "from contextlib import asynccontextmanager\nfrom labkit import create_app\n"
            "@asynccontextmanager\nasync def life(app):\n    raise RuntimeError('no database')\n    yield\n"
            "app = create_app('shop', lifespan=life)\n",
            "no database",
        ),
    ],
)
def test_code_that_does_not_start_changes_nothing(steady, text, problem):
    before = steady.word()
    answer = steady.swap("broken", {"shop/main.py": text})
    assert answer.status_code == 422
    assert problem in answer.json()["traceback"]
    assert steady.word() == before
    assert not list(steady.folder.glob("code-*"))


def test_requests_under_way_are_answered_by_the_old_code(pod):
    shop = pod(source("old")).wait()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(httpx.get, f"{shop.url}/slow", timeout=2 * BUSY_SECONDS)
        deadline = time.monotonic() + BUSY_SECONDS
        while "app_requests_in_flight 1.0" not in shop.http.get(f"{shop.url}/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.02)  # between two polls
        shop.swap("second", {"shop/main.py": source("new", SAYS_SO)})
        assert slow.result().json() == "old"
    assert shop.word()["word"] == "new"


def test_an_app_that_does_not_import_ends_the_process(pod):
    shop = pod("import no_such_module", plain=True)
    _, errors = shop.process.communicate(timeout=BUSY_SECONDS)
    assert shop.process.returncode == 1
    assert "Traceback" in errors
    assert "No module named 'no_such_module'" in errors


def test_an_app_that_dies_takes_the_process_along(pod):
    shop = pod(source("old")).wait()
    with pytest.raises(httpx.TransportError):
        shop.http.get(f"{shop.url}/die")
    assert shop.process.wait(BUSY_SECONDS) == 7


def test_sigterm_ends_both(pod):
    shop = pod(source("old"), plain=True).wait()
    child = shop.word()["pid"]
    shop.process.send_signal(signal.SIGTERM)
    assert shop.process.wait(BUSY_SECONDS) == 128 + signal.SIGTERM  # as uvicorn ends
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def _answers(shop):
    try:
        shop.word()
    except httpx.TransportError:
        return False
    return True


def test_a_supervisor_that_is_killed_leaves_nobody_behind(pod):
    shop = pod(source("old")).wait()
    shop.process.kill()
    shop.process.wait()
    deadline = time.monotonic() + BUSY_SECONDS
    while _answers(shop):
        assert time.monotonic() < deadline, "the app outlived its supervisor"
        time.sleep(0.02)  # between two polls


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("x", "the body must be {digest, files}"),
        ('{"digest": "a"}', "'files'"),
        ('{"digest": "a", "files": {"../b.py": ""}}', "a path must stay inside the folder, got '../b.py'"),
        ('{"digest": "a", "files": {"/b.py": ""}}', "got '/b.py'"),
        ('{"digest": "a", "files": {"b.py": 3}}', "files texts by path"),
    ],
)
def test_wrong_bodies_are_refused(steady, body, problem):
    answer = steady.http.post(steady.control, content=body)
    assert answer.status_code == 400
    assert problem in answer.json()["error"]
    assert steady.word()["word"] == "old"
