"""`python -m loadgen.child FOLDER`: Locust's process for one run. The control process (runs.py) starts it.

FOLDER has plan.json and gets `board` and `history.jsonl.gz`. Lines of JSON go both ways: the child says `state` (ready,
running, draining, final_reads, done, failed) and `health` on its standard output, and reads `{"start": MARK}` from its
standard input, whose end (the control process is gone) ends the child too.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import locust  # noqa: F401  (first of all: it patches what the other imports use)
from gevent.fileobject import FileObjectPosix

from loadgen import history, loadfile
from loadgen.board import Board
from loadgen.dispatcher import Dispatcher
from loadgen.history import HistoryWriter
from loadgen.plan import Plan
from loadgen.recorder import Clock, Recorder
from loadgen.results import exact_quantiles, recovery_seconds
from loadgen.schedule import schedule
from loadgen.user import LoadEnvironment
from loadgen.wire import Sockets

FINAL_READS_SECONDS = 14.0
"""For beginning final reads; what is not read by then is undecided, and the run goes on."""
FINAL_READS_LIMIT_SECONDS = 18.0
"""For ending them: the operator waits 20 s."""
HEALTH_SECONDS = 1.0


class Run:
    """One run, from its plan to its results."""

    def __init__(self, folder: Path, say: Any) -> None:
        self._say = say
        self._path = folder / "history.jsonl.gz"
        self._plan = Plan.model_validate_json((folder / "plan.json").read_bytes())
        self._users, self._ops = loadfile.load(self._plan.load_py)
        loadfile.check_hooks(self._plan.load_py, self._users, self._plan.faults)
        self._schedule = schedule(self._plan)
        self._board = Board.create(folder / "board", self._ops, [fault.name for fault in self._plan.faults])
        target = urlsplit(self._plan.target)
        self._sockets = Sockets(target.hostname or "", target.port or 80, self._plan.deadline)
        say(state="ready", ops=self._ops, health={"planned": len(self._schedule)})

    def load(self, mark: float) -> None:
        """Everything from the start mark to the results."""
        plan = self._plan
        recorder = Recorder(Clock(mark), self._board, HistoryWriter(self._path), plan.windows)
        environment = LoadEnvironment(
            host=plan.target,
            recorder=recorder,
            sockets=self._sockets,
            deadline=plan.deadline,
            board=self._board,
            faults=plan.faults,
        )
        environment.create_local_runner()  # Its listeners keep Locust's own statistics.
        dispatcher = Dispatcher(environment, self._users, self._schedule, plan.seed)
        reporter = gevent.spawn(self._report, dispatcher)
        # What is there now stays; a full collection in the middle of the load would hold up every arrival.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 50, 1_000)
        self._say(state="running")
        dispatcher.run()
        self._say(state="draining")
        dispatcher.drain(plan.windows["drain"][1])
        reporter.kill()
        if dispatcher.error:
            recorder.history.close()
            self._say(state="failed", error=f"a task of load.py raised:\n{dispatcher.error}")
            return
        self._say(state="final_reads", health=dispatcher.health())
        self._read_finally(environment)
        recorder.history.close()
        self._say(
            state="done",
            exact=[each._asdict() for each in exact_quantiles(recorder.samples)],
            recovery=recovery_seconds(recorder.samples, plan.fault_end, plan.load_end),
        )

    def _read_finally(self, environment: LoadEnvironment) -> None:
        readers: list[Any] = [user for user in self._users if hasattr(user, "final_reads")]
        if not readers:
            return
        recorder = environment.recorder
        recorder.history.close()
        sent = list(history.read(self._path))
        recorder.history = HistoryWriter(self._path, append=True)
        until = recorder.clock.now() + FINAL_READS_SECONDS
        with gevent.Timeout(FINAL_READS_LIMIT_SECONDS):
            for kind in readers:
                client = kind(environment)
                client.read_finally(until)
                kind.final_reads(client, sent)

    def _report(self, dispatcher: Dispatcher) -> None:
        while True:
            gevent.sleep(HEALTH_SECONDS)
            dispatcher.sample_cpu()
            self._say(health=dispatcher.health())


def main(folder: Path) -> int:
    """Gives the exit code; whatever goes wrong has been said before."""
    # What load.py prints must not get between our lines.
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")

    def say(**message: Any) -> None:
        lines.write(json.dumps(message) + "\n")

    try:
        run = Run(folder, say)
        command = FileObjectPosix(sys.stdin.fileno(), "rb").readline()
        if command:
            run.load(float(json.loads(command)["start"]))
    except (Exception, gevent.Timeout):
        say(state="failed", error=traceback.format_exc())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
