"""What the app and its data stores went through in a run, as Prometheus saw it: no text of a log, no guess.

Alerts that the app raised, processes that started, pods that did not answer, a pool with callers in its queue, a store
that went away, a replica that was made the primary.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from faultline import names
from faultline.api.base import Model
from faultline.clients.prometheus import Prometheus, Series
from faultline.measures._load import quoted

STEP_SECONDS = 1.0
APART_SECONDS = 2.5
"""Two bad samples with at most so much between them are of one stretch."""
LEAST_SECONDS = 1.5
"""A shorter silence is a scrape that came late."""


class Event(Model):
    """Something that a pod did, or that was true of it for a while. Unix seconds, to the scrape interval of 1 s."""

    at: float
    until: float | None = None
    who: str
    what: str


Points = Sequence[tuple[float, float]]


def queries(scenario: str) -> dict[str, str]:
    """What is asked, by kind. `scenario` is the object's name. Each is a range query over the run, a step a second."""
    lab = f"namespace={quoted(names.lab_namespace(scenario))}"
    return {
        "alert": f'sum by (app, alert) (faultline_alerts_total{{{lab},part="shared"}})',
        "started": f"max by (app, pod) (app_process_start_time_seconds{{{lab}}})",
        "up": f'max by (app, pod) (up{{{lab},part=~"app|shared"}})',
        "waiting": f"max by (app, pod, pool) (app_pool_waiting{{{lab}}})",
        "postgres": f"min by (app, pod) (pg_up{{{lab}}})",
        "redis": f"min by (app, pod) (redis_up{{{lab}}})",
        "replica": f"max by (app, pod) (pg_replication_is_replica{{{lab}}})",
    }


async def asked(prometheus: Prometheus, scenario: str, start: float, end: float) -> list[Event] | None:
    """The events of a run, or None where Prometheus has no sample of its time.

    Raises what `Prometheus.range` does.
    """
    wanted = queries(scenario)
    series = await asyncio.gather(*(prometheus.range(each, start, end, STEP_SECONDS) for each in wanted.values()))
    return found(dict(zip(wanted, series, strict=True)), start, end)


def found(answers: Mapping[str, Sequence[Series]], start: float, end: float) -> list[Event] | None:
    """The events of a run between two moments (Unix seconds) in the order of time; `answers` is by kind.

    None where it knows of no pod that it asked: then it was not there, or has forgotten.
    """
    if not answers["up"]:
        return None
    events = []
    for kind, tell in _KINDS.items():
        for each in answers.get(kind, ()):
            if points := [(at, value) for at, value in each.points if start <= at <= end]:
                who = each.labels.get("pod") or each.labels.get("app") or "?"
                events += [event(who) for event in tell(_Seen(each.labels, points, start, end))]
    return sorted(events, key=lambda each: (each.at, each.who, each.what))


@dataclass(frozen=True)
class _Seen:
    """A series within the run, of which there is at least one point."""

    labels: Mapping[str, str]
    points: Points
    start: float
    end: float


Told = Callable[[str], Event]
"""An event but for who it is."""


def _event(at: float, what: str, until: float | None = None) -> Told:
    return lambda who: Event(at=at, until=until, who=who, what=what)


def _alerts(seen: _Seen) -> list[Told]:
    """Each time the count grew; a count that is there from the start is of what came before."""
    first = seen.points[0][0]
    before = [(first, 0.0)] if first - seen.start > APART_SECONDS else []
    return [
        _event(at, f"the alert {seen.labels.get('alert', '?')} was raised")
        for (_, old), (at, new) in pairwise([*before, *seen.points])
        if new > old
    ]


def _started(seen: _Seen) -> list[Told]:
    """A process whose start lies within the run: its pod is new, or the app in it began again."""
    starts = [start for start, _ in groupby(value for _, value in seen.points)]
    return [_event(each, "its process started") for each in starts if each > seen.start]


def _up(seen: _Seen) -> list[Told]:
    last = seen.points[-1][0]
    # A pod of the code before may be on its way out when the load begins.
    gone = seen.start + APART_SECONDS < last < seen.end - APART_SECONDS
    silent = _stretches(seen, lambda up: up < 1, "did not answer Prometheus", LEAST_SECONDS)
    return [*silent, _event(last, "was gone")] if gone else silent


def _waiting(seen: _Seen) -> list[Told]:
    return _stretches(seen, lambda waiting: waiting > 0, f"callers waited for the pool {seen.labels.get('pool', '?')}")


def _store(seen: _Seen) -> list[Told]:
    return _stretches(seen, lambda up: up < 1, "took no connection")


def _promoted(seen: _Seen) -> list[Told]:
    return [
        _event(at, "was promoted from replica to primary")
        for (_, before), (at, after) in pairwise(seen.points)
        if before == 1 and after == 0
    ]


_KINDS: dict[str, Callable[[_Seen], list[Told]]] = {
    "alert": _alerts,
    "started": _started,
    "up": _up,
    "waiting": _waiting,
    "postgres": _store,
    "redis": _store,
    "replica": _promoted,
}


def _stretches(seen: _Seen, bad: Callable[[float], bool], what: str, least: float = 0.0) -> list[Told]:
    """The times in which a series was bad, each as long as from its first to its last bad sample."""
    spans: list[list[float]] = []
    for at, value in seen.points:
        if not bad(value):
            continue
        if spans and at - spans[-1][1] <= APART_SECONDS:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    return [_event(start, what, end) for start, end in spans if end - start >= least]
