"""What customers lost in a run: requests that were not answered well, of all and of each operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faultline.measures.base import LOADED
from faultline.report.history import Request, operations
from faultline.report.record import RunRecord

ALL = "all requests"


@dataclass(frozen=True)
class Impact:
    """`first` and `last` are when the first and the last of the lost ones were meant to start, in Unix seconds."""

    name: str
    requests: int
    lost: int
    first: float
    last: float


def impact(record: RunRecord) -> list[Impact]:
    """Over baseline, fault and recovery: all requests, then each operation that lost any, the largest loss first."""
    loaded = [each for each in record.requests if each.phase in LOADED]
    found = [_impact(ALL, loaded), *(_impact(*each) for each in operations(loaded).items())]
    losses = [each for each in found if each]
    return [*losses[:1], *sorted(losses[1:], key=lambda each: -each.lost)]


def _impact(name: str, requests: Sequence[Request]) -> Impact | None:
    bad = [each.intended for each in requests if each.outcome != "ok"]
    return Impact(name, len(requests), len(bad), min(bad), max(bad)) if bad else None
