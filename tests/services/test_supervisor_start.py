"""Why new code does not serve, as the learner is told: the app's start is played by a function in a real fork."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from labkit import supervisor
from labkit.supervisor import NotStarted, Supervisor


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as one:
        yield one


def why_not(listener: socket.socket, start: Callable[[], object]) -> str:
    def serve(listener: socket.socket, serves: Callable[[], None]) -> int:
        start()
        return 0

    with pytest.raises(NotStarted) as told:
        Supervisor(serve, listener, "first").swap("second", {})
    return str(told.value)


def test_one_that_is_late_is_told_with_what_it_logged_after_the_reason(listener, monkeypatch):
    monkeypatch.setattr(supervisor, "START_SECONDS", 5.0)  # a busy machine may need some to come to the log

    def start() -> None:
        logging.getLogger("shop").error("no answer from postgres yet")
        time.sleep(600)

    assert why_not(listener, start) == (
        "it did not serve within 5 s; what it logged until then:\nno answer from postgres yet"
    )


def test_one_that_is_late_and_silent_is_told_by_the_reason_alone(listener, monkeypatch):
    monkeypatch.setattr(supervisor, "START_SECONDS", 0.5)
    assert why_not(listener, lambda: time.sleep(600)) == "it did not serve within 0.5 s"


def test_one_that_ends_is_told_by_its_traceback_or_that_it_ended(listener, monkeypatch):
    monkeypatch.setattr(supervisor, "START_SECONDS", 60.0)
    told = why_not(listener, lambda: 1 / 0)
    assert told.startswith("Traceback")
    assert told.endswith("ZeroDivisionError: division by zero")
    assert why_not(listener, lambda: os._exit(0)) == "it ended before it served, without a word"
