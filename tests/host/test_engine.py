"""The engine's life with programs in place of Docker's: started, killed, brought back, left alone when not ours."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faultline.errors import HostProblem
from faultline.host import engine
from faultline.host.home import Home
from faultline.host.process import Log

# Answers as long as the process that `dockerd` wrote down is alive.
DOCKER = """
pid=$(cat {state}/pid 2>/dev/null) && kill -0 "$pid" 2>/dev/null && echo 9.9 || {{ echo "no daemon" >&2; exit 1; }}
"""
DOCKERD = """
echo "$*" >> {state}/started
sed -n 's/.*"pidfile": "\\(.*\\)".*/\\1/p' "$2" | while read -r file; do echo $$ > "$file"; done
echo $$ > {state}/pid
trap 'exit 0' TERM
while :; do sleep 0.05; done
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but a shell's tools."""
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "cat", "sed", "sleep", "cp", "chmod"):
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(engine, "_SYSTEMD", tmp_path / "no-systemd")
    monkeypatch.setattr(engine, "INOTIFY_LEAST", {})
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    program(tmp_path, "apt-get", "exit 1")
    return tmp_path


@pytest.fixture
def home(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("FAULTLINE_HOME", str(state / "home"))
    home = Home.from_environment()
    yield home
    for each in engine._OUTLIVING:
        each.kill()
        each.wait()
    engine._OUTLIVING.clear()


@pytest.fixture
def log(state: Path) -> Iterator[Log]:
    with closing(Log(state / "log")) as log:
        yield log


def program(state: Path, name: str, text: str) -> None:
    file = state / "bin" / name
    file.write_text(f"#!/bin/sh\n{text.format(state=state)}\n")
    file.chmod(0o755)


@pytest.fixture
def docker(state: Path) -> Path:
    program(state, "docker", DOCKER)
    program(state, "dockerd", DOCKERD)
    return state


def starts(state: Path) -> int:
    return len((state / "started").read_text().splitlines()) if (state / "started").exists() else 0


def test_an_engine_that_is_not_running_is_started(docker: Path, home: Home, log: Log) -> None:
    done = engine.bring_up(home, log)
    assert (done.detail, done.skipped) == ("Docker 9.9, started", False)
    assert engine.our_pid(home) == int((docker / "pid").read_text())
    assert starts(docker) == 1


def test_one_that_runs_is_left_alone(docker: Path, home: Home, log: Log) -> None:
    engine.bring_up(home, log)
    done = engine.bring_up(home, log)
    assert (done.detail, done.skipped) == ("Docker 9.9, started by faultline", True)
    assert starts(docker) == 1


def test_one_that_was_killed_is_brought_back(docker: Path, home: Home, log: Log) -> None:
    engine.bring_up(home, log)
    killed = engine.our_pid(home)
    engine._OUTLIVING[0].kill()
    engine._OUTLIVING[0].wait()
    engine.bring_up(home, log)
    assert engine.our_pid(home) not in (None, killed)
    assert starts(docker) == 2


def test_ours_is_stopped(docker: Path, home: Home, log: Log) -> None:
    engine.bring_up(home, log)
    assert engine.stop(home) == "stopped"
    engine._OUTLIVING[0].wait()
    assert not engine.answers()


def test_ours_that_is_stopped_is_brought_back(docker: Path, home: Home, log: Log) -> None:
    assert not engine.bring_back(home, log), "there never was one of ours"
    assert starts(docker) == 0
    engine.bring_up(home, log)
    assert not engine.bring_back(home, log), "it runs"
    engine.stop(home)
    engine._OUTLIVING[0].wait()
    assert engine.bring_back(home, log)
    assert engine.answers()
    assert engine.our_pid(home)


def test_ours_of_systemd_is_brought_back(docker: Path, home: Home, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        docker,
        "systemctl",
        """
case "$1" in
  start)
    {state}/bin/dockerd --config-file {state}/none >/dev/null 2>&1 &
    while ! [ -s {state}/pid ]; do sleep 0.01; done ;;
  stop) kill "$(cat {state}/pid)"; : > {state}/pid ;;
esac
""",
    )
    (docker / "none").touch()
    monkeypatch.setattr(engine, "_SYSTEMD", docker)
    engine.bring_up(home, log)
    assert engine.stop(home) == "stopped"
    assert engine.stop(home) == "not started by faultline; left as it is"
    assert not engine.answers()
    assert engine.bring_back(home, log)
    assert engine.answers()
    assert engine.stop(home) == "stopped"


def test_one_that_was_there_before_is_neither_started_nor_stopped(docker: Path, home: Home, log: Log) -> None:
    with subprocess.Popen(["sleep", "60"]) as theirs:
        (docker / "pid").write_text(str(theirs.pid))
        assert engine.bring_up(home, log).detail == "Docker 9.9, was there before; left as it is"
        assert engine.stop(home) == "not started by faultline; left as it is"
        assert theirs.poll() is None
        theirs.kill()
    assert starts(docker) == 0


def test_a_number_that_is_another_process_now_is_not_our_engine(docker: Path, home: Home) -> None:
    program(docker, "dockerd", DOCKERD)
    with subprocess.Popen([docker / "bin/dockerd", "--config-file", "/dev/null"]) as theirs:
        (home.engine / "dockerd.pid").write_text(str(theirs.pid))
        assert engine.our_pid(home) is None
        assert engine.stop(home) == "not started by faultline; left as it is"
        theirs.kill()


def test_an_engine_that_ends_at_once_is_told_with_its_last_words(docker: Path, home: Home, log: Log) -> None:
    program(docker, "dockerd", "echo 'failed to start: overlay is not supported' >&2; exit 1")
    with pytest.raises(HostProblem, match="dockerd ended with status 1") as caught:
        engine.bring_up(home, log)
    assert caught.value.code == "FL503"
    assert "overlay is not supported" in caught.value.message


def test_without_an_engine_it_is_installed(state: Path, home: Home, log: Log) -> None:
    for name, text in (("docker", DOCKER), ("dockerd", DOCKERD)):
        program(state, f"{name}.deb", text)
    unpack = 'case "$*" in *docker.io*) cp {0}/docker.deb {0}/docker; cp {0}/dockerd.deb {0}/dockerd;; esac'
    program(state, "apt-get", unpack.format(state / "bin"))
    assert engine.bring_up(home, log).detail == "Docker 9.9, started"
    assert "docker.io" in log.tail()


def test_who_may_not_install_is_told_what_to_do(
    state: Path, home: Home, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostProblem, match="no Docker engine answers") as caught:
        engine.bring_up(home, log)
    assert caught.value.code == "FL501"
    assert "docker group" in caught.value.next_step
