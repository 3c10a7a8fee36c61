"""How the verbs talk to people: a live line that also works in a log file, durations, verdicts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.spinner import Spinner
from rich.text import Text

from faultline.cli.base import console, spelled

LOG_SECONDS = 10.0
"""How often a live line is repeated where there is no terminal to redraw it on."""
DIFF_LINES = 40
COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


class Line:
    """One line that changes in place; lines that are `kept` stay above it.

    Without a terminal it prints a changed line at most every LOG_SECONDS; with JSON output nothing.
    """

    def __init__(self) -> None:
        self._live = (
            Live(console=console, refresh_per_second=8, transient=True)
            if console.is_terminal and not console.quiet
            else None
        )
        self._printed = time.monotonic() - LOG_SECONDS
        self._text = ""

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def update(self, text: str) -> None:
        """Show `text` (Rich markup) instead of what stood there."""
        if self._live:
            self._live.update(Spinner("dots", Text.from_markup(text, overflow="ellipsis")))
        elif text != self._text and time.monotonic() - self._printed >= LOG_SECONDS:
            console.print(text)
            self._printed = time.monotonic()
        self._text = text

    def keep(self, text: str) -> None:
        """Print `text` above the line, for good."""
        console.print(text)


def duration(seconds: float | None) -> str:
    """Seconds as a person reads them: 850 ms, 4.2 s, 75 s, 3 min 20 s, 5 h 10 min."""
    if seconds is None:
        return "-"
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60} min"


def percent(share: float | None) -> str:
    """A share of 1 as a percentage."""
    return "-" if share is None else f"{share * 100:.1f}%"


def verdict(text: str | None) -> str:
    """A verdict in its colour."""
    return f"[{COLOURS.get(text or '', 'dim')}]{text or '-'}[/]"


def wrapped(text: str, indent: int = 2) -> None:
    """Print a paragraph (Rich markup) that keeps its indent and its words whole where the terminal ends."""
    console.print(Padding(Text.from_markup(text), (0, 0, 0, indent)), soft_wrap=False)


def difference(files: Mapping[str, Sequence[str]], most: int | None = DIFF_LINES) -> None:
    """The unified diff of each file in colours, `most` lines in all; then a line for each file with what it counts.

    A long file leaves the others their share, so that each is seen.
    """
    colours = {"+": "green", "-": "red", "@": "cyan"}
    left = most
    # The shortest first: what they do not need is the others'.
    shares: dict[str, int] = {}
    for place, path in enumerate(sorted(files, key=lambda each: len(files[each]))):
        wanted = len(files[path])
        shares[path] = wanted if left is None else min(wanted, left // (len(files) - place))
        left = None if left is None else left - shares[path]
    for path, lines in files.items():
        for line in lines[: shares[path]]:
            console.print(f"[{colours.get(line[:1], 'dim')}]{escape(line)}[/]")
        if len(lines) > shares[path]:
            console.print(f"[dim]… {len(lines) - shares[path]} more lines of difference in {escape(path)}[/]")
    for path, lines in files.items():
        added, removed = (sum(line[:1] == sign for line in lines[2:]) for sign in "+-")
        console.print(f"  {escape(path)}  [green]+{added}[/] [red]-{removed}[/]")


def next_step(command: str) -> None:
    """The closing line: what to type now."""
    console.print(f"next: [bold cyan]{spelled(command)}[/]")
