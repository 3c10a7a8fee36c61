"""A run as it lies in `runs/RUN/`: `run.json` (spec and status), `series.json`, and every request of its clients."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError

from faultline.api.base import Model
from faultline.api.run import RunSpec, RunStatus
from faultline.errors import InvalidInput, NotFound
from faultline.grading.series import RunSeries
from faultline.report import history
from faultline.report.events import Event
from faultline.report.history import DRAWN, Request


class RunRecord(Model):
    """One run. `title` is the scenario's, if it is known; `series` is None when the file is not there.

    `events` is what the app and its stores went through, None where nobody asked Prometheus while it knew.
    """

    # run.json may hold more than the report shows.
    model_config = ConfigDict(extra="ignore", populate_by_name=True, frozen=True)

    name: str
    spec: RunSpec
    status: RunStatus
    title: str = ""
    series: RunSeries | None = None
    folder: Path | None = None
    """Where its files are; None when they are not at hand."""
    events: list[Event] | None = None
    events_problem: str = "Prometheus was not asked while it still knew"
    """Why there are none."""

    @property
    def variant(self) -> str:
        """Whose code it was: flawed, solution, wrong/NAME, without/NAME, learner."""
        return self.status.code.variant if self.status.code else "unknown code"

    @cached_property
    def requests(self) -> Sequence[Request]:
        """The clients' requests, read when first asked for; none where the history was not kept.

        Raises InvalidInput (FL171) for a file that is no history.
        """
        path = self.folder / history.FILE if self.folder else None
        return history.read(path) if path and path.is_file() else []

    @property
    def span(self) -> tuple[float, float] | None:
        """Unix seconds from the start of the load to the end of the drain; None for a run that never got there."""
        ends = [each.end for each in self.status.phases if each.end is not None and each.name.lower() in DRAWN]
        return (self.status.mark, max(ends)) if self.status.mark is not None and ends else None

    def window(self, phase: str) -> tuple[float, float] | None:
        """Unix seconds of a phase by its name in small letters; None where it was not reached or not ended."""
        found = next((each for each in self.status.phases if each.name.lower() == phase), None)
        return (found.start, found.end) if found and found.end is not None else None


def read(folder: Path, title: str = "") -> RunRecord:
    """The record in a folder named after its run.

    Raises NotFound (FL271) when there is no run.json, InvalidInput (FL171) when a file is not what it should be.
    """
    run = _json(folder / "run.json")
    if run is None:
        raise NotFound("FL271", f"{folder} has no run.json", "`faultline status` lists the runs")
    series = _json(folder / "series.json")
    try:
        record = RunRecord.model_validate(
            {"name": folder.name, "title": title} | run | {"series": series, "folder": folder}
        )
    except (ValidationError, TypeError) as error:
        raise InvalidInput("FL171", f"{folder} is not a run of this version: {error}") from error
    return record


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InvalidInput("FL171", f"{path} is not JSON: {error}") from error
