"""The agent stops, continues and kills its neighbours, and lets go by itself; in a PID namespace of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faultline.injector.agent import NAME, script

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a PID namespace (in the lab: tests/e2e)")
APP = "import sys, time\nwhile True: open(sys.argv[1], 'a').write('x'); time.sleep(0.02)"


class Pod:
    """An app that makes a file longer, and the agent beside it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ticks"
        self.file.touch()
        start = '"$0" -c "$1" "$2" & exec bash -c "$3" ' + NAME
        inside = ["bash", "-c", start, sys.executable, APP, str(self.file), script(silence=1)]
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *inside],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == "ready"
        # Until it is the app's, its process is a copy of the agent's.
        while not self.ticks():
            assert self.process.poll() is None
            time.sleep(0.01)

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def tell(self, order: str) -> str:
        assert self.process.stdin
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return self.answer()

    def ticks(self) -> int:
        return self.file.stat().st_size


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    one = Pod(tmp_path)
    with one.process:
        yield one
        one.process.kill()


@pytest.fixture
def still(pod: Pod) -> Callable[[], bool]:
    """Whether the app does nothing for a while."""

    def look() -> bool:
        before = pod.ticks()
        subprocess.run(["sleep", "0.3"], check=True)
        return pod.ticks() == before

    return look


async def test_stops_the_app_and_lets_it_go_on(pod: Pod, still: Any, tools: Any) -> None:
    assert pod.tell("stop") == "1"
    assert still()
    assert pod.tell("go") == "1"
    await tools.until(lambda: not still())


async def test_lets_go_when_it_hears_nothing(pod: Pod, still: Any, tools: Any) -> None:
    assert pod.tell("stop") == "1"
    assert still()
    before = pod.ticks()
    await tools.until(lambda: pod.process.poll() is not None or pod.ticks() > before)


def test_kills_the_app_and_not_itself(pod: Pod, still: Any) -> None:
    assert pod.tell("kill") == "1"
    assert still()
    assert pod.tell("stop") == "0"
