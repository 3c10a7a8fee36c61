"""Pulling: where to ask, and how long to wait."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faultline.host import bases
from faultline.host.process import Log


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` whose script a test writes."""
    script = tmp_path / "bin/docker"
    script.parent.mkdir()
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(bases, "PROBE_SECONDS", 60.0)
    monkeypatch.delenv("FAULTLINE_REGISTRY", raising=False)
    return script


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with closing(Log(tmp_path / "log")) as log:
        yield log


def write(script: Path, text: str) -> None:
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)


def test_a_registry_that_does_not_answer_is_left_after_the_probe(
    docker: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "PROBE_SECONDS", 0.3)
    write(docker, "exec sleep 30")
    assert not bases.pull("debian:trixie-slim", log)


def test_a_registry_that_refuses_is_no_registry(docker: Path, log: Log) -> None:
    write(docker, "echo 'Error response from daemon: connection refused' >&2; exit 1")
    assert not bases.pull("debian:trixie-slim", log)


def test_a_registry_that_answers_may_take_its_time(docker: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "PROBE_SECONDS", 3.0)
    write(docker, "echo 'trixie-slim: Pulling from library/debian'; sleep 4; echo done")
    assert bases.pull("debian:trixie-slim", log)


def test_a_named_registry_is_asked_and_the_local_name_stays(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setenv("FAULTLINE_REGISTRY", "127.0.0.1:5000")
    calls = tmp_path / "calls"
    write(docker, f'echo "$@" >> {calls}; echo Pulling from x')
    assert bases.pull("debian:trixie-slim", log)
    assert calls.read_text().splitlines() == [
        "pull 127.0.0.1:5000/library/debian:trixie-slim",
        "tag 127.0.0.1:5000/library/debian:trixie-slim debian:trixie-slim",
    ]
