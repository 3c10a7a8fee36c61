"""The clients' requests of a run, from its `history.jsonl.gz`: what the report draws of them."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faultline.errors import InvalidInput
from faultline.measures.base import LOADED

FILE = "history.jsonl.gz"
DRAWN = (*LOADED, "drain")
"""The phases that the pictures show."""
OBSERVED = 0
"""The status of what came without a request of its own."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it was meant to start, in Unix seconds, and the seconds from then to its end."""

    op: str
    phase: str
    intended: float
    latency: float
    outcome: str
    """ok, failed or unknown."""


def read(path: Path) -> list[Request]:
    """The clients' own requests in the order of their start; the faults' own and the final reads are none of these.

    Raises InvalidInput (FL171) for a file that is no history, OSError for one that is not there.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        found = [
            Request(
                each["op"],
                each["phase"],
                each["intended"],
                each["latency"],
                each["outcome"],
            )
            for each in lines
            if "fault" not in each and each["phase"] in DRAWN and each["status"] != OBSERVED
        ]
    except (ValueError, KeyError, TypeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput("FL171", f"{path} is no history of a run: {error!r}") from error
    return sorted(found, key=lambda each: each.intended)


def operations(requests: Sequence[Request]) -> dict[str, list[Request]]:
    """Grouped by operation, the most frequent first."""
    groups: dict[str, list[Request]] = {}
    for each in requests:
        groups.setdefault(each.op, []).append(each)
    return dict(sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])))
