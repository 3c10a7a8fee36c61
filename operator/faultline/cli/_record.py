"""What stays of a run on the host: progress, the record that the report reads, the JSON that programs get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from faultline.api.run import RunSpec
from faultline.cli import _runs
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.cli._runs import RunView
from faultline.errors import HostProblem
from faultline.host.home import Home
from faultline.progress import Attempt, Store
from faultline.report import RunRecord, read
from faultline.workspace import REPO


def keep(lab: Lab, run: RunView) -> None:
    """Count a graded run of the learner's own lab as an attempt; runs of demo and verify are nobody's."""
    status = run.status
    if not (lab.is_own and lab.name == lab.slug and run.done and status.verdict and status.ended):
        return
    variant = status.code.variant if status.code else "unknown"
    attempt = Attempt(run=run.name, variant=variant, score=status.score, verdict=status.verdict, ended=status.ended)
    Store(Home.from_environment().root).attempt(lab.slug, attempt)


def folder(run: str) -> Path:
    """Where the operator keeps a run's files, as the host sees them."""
    return Home.from_environment().data / "runs" / run


def kept(run: str) -> bool:
    """Whether a run's files are on this host."""
    return (folder(run) / "run.json").is_file()


def record(run: RunView, title: str = "") -> RunRecord:
    """A run for the report, with its series where the operator's files are on this host."""
    place = folder(run.name)
    series = read(place, title).series if kept(run.name) else None
    spec = RunSpec.model_validate(run.raw["spec"])
    return RunRecord(name=run.name, spec=spec, status=run.status, title=title, series=series, folder=place)


def before(lab: Lab, record: RunRecord) -> list[RunRecord]:
    """What a run is drawn over, of the runs whose files are on this host: see `ScenarioProgress.before`."""
    progress = Store(Home.from_environment().root).read().of(lab.slug)
    found = progress.before(record.variant, record.status.ended, kept)
    return [read(folder(each)) for each in found]


def find(name: str, context: str | None) -> RunRecord:
    """A run by name: from the files on this host, which outlive cluster and lab, else from the cluster.

    Raises NotFound (FL206) when neither has it.
    """
    if kept(name):
        return read(folder(name))
    return record(_runs.get(Cluster.open(context), name))


def newest(slug: str | None) -> str | None:
    """The learner's newest run of a scenario, or of any, whose files are on this host."""
    progress = Store(Home.from_environment().root).read()
    records = progress.scenarios.values() if slug is None else [progress.of(slug)]
    attempts = sorted((each for record in records for each in record.attempts), key=lambda each: each.ended)
    return next((each.run for each in reversed(attempts) if kept(each.run)), None)


def write_report(name: str, text: str) -> Path:
    """Write a file into reports/. Raises HostProblem (FL522) when the disk refuses."""
    path = REPO / "reports" / name
    write_file(path, text.encode())
    return path


def write_file(path: Path, data: bytes) -> None:
    """Write a file, and the folders that it needs. Raises HostProblem (FL522) when the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise HostProblem("FL522", f"{path} cannot be written: {error.strerror}", "free disk space") from error


def write_json(name: str, data: Any) -> Path:
    """Write JSON into reports/."""
    return write_report(name, json.dumps(data, indent=2) + "\n")


def shown(path: Path) -> str:
    """A path as a person types it from the checkout."""
    return str(path.relative_to(REPO)) if path.is_relative_to(REPO) else str(path)
