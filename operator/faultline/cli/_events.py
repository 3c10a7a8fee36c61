"""What the app went through in a run: asked of Prometheus while it knows, kept on this host for when it does not."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from faultline.cli import _prometheus, _record
from faultline.cli._cluster import Cluster
from faultline.errors import FaultlineError
from faultline.host.home import Home
from faultline.report import RunRecord, events
from faultline.report.events import Event

EVENTS = TypeAdapter(list[Event])


def told(context: str | None, record: RunRecord) -> RunRecord:
    """The same run with its events, where they are on this host or Prometheus still has its samples of that time.

    A run may outlive its cluster, and no report is refused for want of them: it says why it has none.
    """
    path = _path(record.name)
    if path.is_file():
        return _with(record, EVENTS.validate_json(path.read_bytes()))
    try:
        found = _asked(Cluster.open(context), record)
    except FaultlineError as error:
        return record.model_copy(update={"events_problem": error.message})
    if found is None:
        return record
    _record.write_file(path, EVENTS.dump_json(found))
    return _with(record, found)


def _asked(cluster: Cluster, record: RunRecord) -> list[Event] | None:
    """None for a run without load, or one of which Prometheus has no sample."""
    if record.span is None:
        return None
    answers = {
        kind: _prometheus.over(cluster, query, *record.span, events.STEP_SECONDS)
        for kind, query in events.queries(record.spec.scenario).items()
    }
    return events.found(answers, *record.span)


def _with(record: RunRecord, found: list[Event]) -> RunRecord:
    return record.model_copy(update={"events": found})


def _path(run: str) -> Path:
    return Home.from_environment().root / "events" / f"{run}.json"
