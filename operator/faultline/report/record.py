"""A run as it lies in `runs/RUN/`: `run.json` (spec and status) and `series.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError

from faultline.api.base import Model
from faultline.api.run import RunSpec, RunStatus
from faultline.errors import InvalidInput, NotFound
from faultline.grading.series import RunSeries


class RunRecord(Model):
    """One run. `title` is the scenario's, if it is known; `series` is None when the file is not there."""

    # run.json may hold more than the report shows.
    model_config = ConfigDict(extra="ignore", populate_by_name=True, frozen=True)

    name: str
    spec: RunSpec
    status: RunStatus
    title: str = ""
    series: RunSeries | None = None

    @property
    def variant(self) -> str:
        """Whose code it was: flawed, solution, wrong/NAME, without/NAME, learner."""
        return self.status.code.variant if self.status.code else "unknown code"


def read(folder: Path, title: str = "") -> RunRecord:
    """The record in a folder named after its run.

    Raises NotFound (FL271) when there is no run.json, InvalidInput (FL171) when a file is not what it should be.
    """
    run = _json(folder / "run.json")
    if run is None:
        raise NotFound("FL271", f"{folder} has no run.json", "`faultline status` lists the runs")
    series = _json(folder / "series.json")
    try:
        record = RunRecord.model_validate({"name": folder.name, "title": title} | run | {"series": series})
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
