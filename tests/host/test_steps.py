"""The step runner: what a person sees when a step fails, and the lock."""

import errno
import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from faultline.errors import Conflict, HostProblem
from faultline.host import process
from faultline.host.home import Home
from faultline.host.steps import Done, Step, only_one, run_steps


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("FAULTLINE_HOME", str(tmp_path / "home"))
    return Home.from_environment()


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def test_a_failing_command_shows_its_last_lines_and_its_log(home: Home) -> None:
    script = "print('first'); print('the cause'); raise SystemExit(3)"

    def action(log: process.Log) -> Done:
        process.run([sys.executable, "-c", script], log)
        return Done()

    with pytest.raises(HostProblem) as caught:
        run_steps([Step("build", "Images", action)], home, quiet())
    assert "step “Images”" in caught.value.message
    assert "the cause" in caught.value.message
    assert str(home.logs / "build.log") in caught.value.next_step
    assert "the cause" in (home.logs / "build.log").read_text()


def test_a_full_disk_says_so(home: Home) -> None:
    def action(log: process.Log) -> Done:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(HostProblem, match="No space left on device") as caught:
        run_steps([Step("build", "Images", action)], home, quiet())
    assert "free disk space" in caught.value.next_step


def test_a_full_disk_inside_a_build_says_so_too() -> None:
    error = process.CommandFailed(["docker", "build"], 1, "write /x: no space left on device")
    assert "free disk space" in error.next_step


def test_steps_after_a_failed_one_do_not_run(home: Home) -> None:
    ran = []

    def fail(log: process.Log) -> Done:
        raise HostProblem("FL500", "broken", "mend it")

    def note(log: process.Log) -> Done:
        ran.append("second")
        return Done()

    with pytest.raises(HostProblem, match="broken"):
        run_steps([Step("a", "A", fail), Step("b", "B", note)], home, quiet())
    assert ran == []


def test_what_was_skipped_is_told(home: Home) -> None:
    results = run_steps([Step("a", "A", lambda log: Done("there already", skipped=True))], home, quiet())
    assert [(result.name, result.skipped, result.detail) for result in results] == [("a", True, "there already")]


def test_a_second_set_up_is_refused(home: Home) -> None:
    with only_one(home), pytest.raises(Conflict, match="another `make up`"), only_one(home):
        pass
