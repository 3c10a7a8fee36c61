"""Runs that are over: from the operator's files, which outlive labs and clusters, and from the cluster."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from faultline.api.run import Phase, RunSpec
from faultline.dashboard import state
from faultline.dashboard.mirror import Mirror
from faultline.errors import FaultlineError, NotFound
from faultline.report import RunRecord, read

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class History:
    """Reads `runs/RUN/` below `data`. Reading blocks: call it from a thread."""

    def __init__(self, data: Path, mirror: Mirror) -> None:
        self._runs = data / "runs"
        self._mirror = mirror
        self._briefs: dict[str, dict[str, Any]] = {}

    def all(self, scenario: str = "") -> list[dict[str, Any]]:
        """Every run that is done, of one Scenario object or of any, the newest first."""
        found = {each["name"]: each for each in self._on_disk()}
        for raw in self._mirror.runs():
            status = state.status_of(raw)
            if status.phase is Phase.DONE:
                found[str(raw["metadata"]["name"])] = state.brief(raw, status)
        mine = [each for each in found.values() if not scenario or each["scenario"] == scenario]
        return sorted(mine, key=lambda each: (each["at"], each["name"]), reverse=True)

    def record(self, name: str, titles: dict[str, str]) -> RunRecord:
        """One run for its report. Raises NotFound (FL206)."""
        folder = self._runs / name
        live = next((each for each in self._mirror.runs() if each["metadata"]["name"] == name), None)
        if self.kept(name):
            record = read(folder)
            return record.model_copy(update={"title": titles.get(record.spec.scenario, "")})
        if live is None:
            raise NotFound("FL206", f"there is no run {name}", "the list of runs has those that were kept")
        spec = RunSpec.model_validate(live["spec"])
        return RunRecord(name=name, spec=spec, status=state.status_of(live), title=titles.get(spec.scenario, ""))

    def kept(self, name: str) -> bool:
        """Whether its files are there."""
        return _NAME.fullmatch(name) is not None and (self._runs / name / "run.json").is_file()

    def _on_disk(self) -> list[dict[str, Any]]:
        if not self._runs.is_dir():
            return []
        names = {each.name for each in self._runs.iterdir() if (each / "run.json").is_file()}
        for name in names - set(self._briefs):
            try:
                record = read(self._runs / name)
            except FaultlineError:
                continue  # of another version: its own page says what is wrong with it
            if record.status.phase is Phase.DONE:
                raw = {"metadata": {"name": name}, "spec": {"scenario": record.spec.scenario}}
                self._briefs[name] = state.brief(raw, record.status)
        self._briefs = {name: each for name, each in self._briefs.items() if name in names}
        return list(self._briefs.values())
