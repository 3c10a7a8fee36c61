"""The history of a run: one JSON object for each request, a line each, in a gzip file.

    {"i": 17, "call": 0, "op": "buy", "key": "o-1", "value": 1, "phase": "fault", "intended": …, "sent": …, "end": …,
     "outcome": "ok", "status": 201, "latency": 0.012, "result": …, "session": …, "token": …, "site": …}

`i` is the arrival, `call` which of its requests this is. Times are Unix seconds; `sent` is when the call began,
`latency` is from `intended` to `end`. `status` is null without an answer. `result`, `error`, `session`, `token` and
`site` are there when known. What was observed without a request of its own has the status 0.
Lines are in the order in which the requests ended.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLUSH_LINES = 200
"""Lines compressed at a time: about a millisecond, so that no arrival waits for it."""


class HistoryWriter:
    """Writes lines as they come, compressed in small portions."""

    def __init__(self, path: Path, *, append: bool = False) -> None:
        self._file = gzip.GzipFile(path, "ab" if append else "wb", compresslevel=1, mtime=0)
        self._lines: list[str] = []

    def write(self, record: dict[str, Any]) -> None:
        """Add one request. Raises TypeError when a value is not JSON."""
        self._lines.append(json.dumps(record, separators=(",", ":")))
        if len(self._lines) >= FLUSH_LINES:
            self._flush()

    def close(self) -> None:
        """Everything is in the file after this."""
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._lines:
            self._file.write(("\n".join(self._lines) + "\n").encode())
            self._lines.clear()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The requests of a history file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
