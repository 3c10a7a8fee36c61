"""A row of set-up steps: name, live progress, time, a log each, and a lock so that two do not collide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from filelock import FileLock, Timeout
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text

from faultline.errors import Conflict, FaultlineError, HostProblem
from faultline.host import process
from faultline.host.home import Home
from faultline.host.process import CommandFailed, Log

_HEARTBEAT_SECONDS = 30.0


@dataclass(frozen=True)
class Done:
    """What a step has to say: a few words, and whether there was nothing to do."""

    detail: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Step:
    """One step. `action` finds out what is missing and brings it; it may be cut short anywhere and run again."""

    name: str
    title: str
    action: Callable[[Log], Done]


@dataclass(frozen=True)
class Result:
    """How a step went."""

    name: str
    seconds: float
    skipped: bool
    detail: str


class _Progress:
    """The live line of a step; where output is no terminal, a line every half minute instead."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._started = time.monotonic()
        self._last = ""
        self._said = self._started
        self._live = Live(self, console=console, refresh_per_second=8, transient=True) if console.is_terminal else None
        self._spinner = Spinner("dots")

    def __rich__(self) -> Spinner:
        text = Text.assemble((f"{self._title}  ", "bold"), (f"{self.seconds:4.0f} s  ", "cyan"), (self._last, "dim"))
        text.truncate(max(20, self._console.width - 4), overflow="ellipsis")
        self._spinner.update(text=text)
        return self._spinner

    @property
    def seconds(self) -> float:
        """Since the step began."""
        return time.monotonic() - self._started

    def show(self, line: str) -> None:
        """The step's latest line."""
        self._last = line
        now = time.monotonic()
        if self._live is None and now - self._said > _HEARTBEAT_SECONDS:
            self._said = now
            self._console.print(f"  … {escape(self._title)} {self.seconds:.0f} s: {escape(line[:160])}", soft_wrap=True)

    def __enter__(self) -> _Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()


def run_steps(steps: Sequence[Step], home: Home, console: Console) -> list[Result]:
    """Run the steps in order; the first that fails ends it.

    Raises the step's FaultlineError with the log's tail, its path and what to do.
    """
    results: list[Result] = []
    for step in steps:
        with _Progress(console, step.title) as progress:
            log = Log(home.logs / f"{step.name}.log", progress.show)
            try:
                done = step.action(log)
            except FaultlineError as error:
                log.line(str(error))
                raise _explained(step, error, log) from error
            except OSError as error:
                log.line(str(error))
                raise _explained(step, HostProblem("FL502", str(error), _os_advice(error)), log) from error
            finally:
                log.close()
        mark = "[dim]=[/]" if done.skipped else "[green]✓[/]"
        detail = f"  [dim]{escape(done.detail)}[/]" if done.detail else ""
        console.print(f"{mark} {escape(step.title):<28} {progress.seconds:6.1f} s{detail}", soft_wrap=True)
        results.append(Result(step.name, round(progress.seconds, 2), done.skipped, done.detail))
    return results


def _os_advice(error: OSError) -> str:
    if error.errno == 28:  # ENOSPC
        return "free disk space (`docker system df` shows what images take), then run `make up` again"
    return "remove the cause, then run `make up` again"


def _explained(step: Step, error: FaultlineError, log: Log) -> FaultlineError:
    tail = error.tail if isinstance(error, CommandFailed) else ""
    message = f"step “{step.title}”: {error.message}"
    if tail:
        message += "\n" + "\n".join(f"    {line}" for line in tail.splitlines())
    return type_of(error)(error.code, message, f"{error.next_step or 'run the command again'} (log: {log.path})")


def type_of(error: FaultlineError) -> type[FaultlineError]:
    """The class for an error told again: those whose constructor takes other arguments fall back to their parent."""
    return HostProblem if isinstance(error, CommandFailed) else type(error)


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Holds the machine's set-up lock. Raises Conflict when another `up`, `down` or `clean` is at work."""
    lock = FileLock(home.root / "setup.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Conflict(
            "FL401",
            f"another `make up`, `down` or `clean` is at work on {home.root}",
            "wait for it to end, or set FAULTLINE_HOME to another folder",
        ) from error
    try:
        with process.stopped_by_sigterm():
            yield
    finally:
        lock.release()
