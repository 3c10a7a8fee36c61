"""Runs as the verbs see them: start one, find one, say how long it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from faultline.api.base import API_VERSION
from faultline.api.load import PHASES, Phases
from faultline.api.run import Phase, RunStatus
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.errors import Conflict, NotFound
from faultline.manifests import new_run

RUNS = f"/apis/{API_VERSION}/runs"
AROUND_SECONDS = 20.0
"""What a run takes besides its timed phases: reset, settle, final reads, grading."""
_TIMED = dict(zip((Phase.BASELINE, Phase.FAULT, Phase.RECOVERY, Phase.DRAIN), PHASES, strict=True))


@dataclass(frozen=True)
class RunView:
    """A Run object."""

    raw: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the object."""
        return str(self.raw["metadata"]["name"])

    @property
    def scenario(self) -> str:
        """The Scenario object that it grades."""
        return str(self.raw["spec"]["scenario"])

    @property
    def created(self) -> str:
        """ISO time; sorts by age."""
        return str(self.raw["metadata"].get("creationTimestamp", ""))

    @property
    def status(self) -> RunStatus:
        """As the operator wrote it; Queued before it wrote any."""
        return RunStatus.model_validate(self.raw.get("status") or {})

    @property
    def done(self) -> bool:
        """Whether the verdict is out."""
        return self.status.phase is Phase.DONE

    @property
    def seconds(self) -> float | None:
        """Start to score, for a run that is done."""
        status = self.status
        return status.ended - status.started if status.started and status.ended else None


def runs(cluster: Cluster, scenario: str | None = None) -> list[RunView]:
    """The Runs of a Scenario, or all, oldest first."""
    found = [RunView(each) for each in cluster.items(RUNS)]
    mine = [each for each in found if scenario is None or each.scenario == scenario]
    return sorted(mine, key=lambda run: (run.created, run.name))


def get(cluster: Cluster, name: str) -> RunView:
    """One Run. Raises NotFound (FL206)."""
    raw = cluster.get(f"{RUNS}/{name}")
    if raw is None:
        raise NotFound("FL206", f"there is no run {name}", "`make status` lists the latest; they go with their lab")
    return RunView(raw)


def start(cluster: Cluster, lab: Lab, seed: int | None) -> RunView:
    """Create a Run of `lab`. Raises Conflict (FL405) when other commands keep taking its name."""
    for _ in range(5):
        try:
            return RunView(cluster.create(RUNS, new_run(lab.raw, seed)))
        except Conflict:
            time.sleep(1)  # another command has taken this second's name
    raise Conflict("FL405", f"other commands keep starting runs of {lab.name}", "wait until they are done")


def of_deployed(cluster: Cluster, lab: Lab) -> RunView | None:
    """The newest run of `lab` that grades what is deployed now, or that is still to be graded."""
    deployed = (lab.status.get("code") or {}).get("digest")
    for run in reversed(runs(cluster, lab.name)):
        code = run.status.code
        if not run.done or (code and code.digest == deployed):
            return run
    return None


def under_way(cluster: Cluster) -> list[RunView]:
    """Runs that are not done, in the order in which they come."""
    return [each for each in runs(cluster) if not each.done]


def total_seconds(lab: Lab) -> float:
    """About how long a run of `lab` takes, start to score."""
    return phases(lab).windows()["drain"][1] + AROUND_SECONDS


def phases(lab: Lab) -> Phases:
    """The lengths of the lab's phases."""
    return Phases.model_validate(lab.raw["spec"].get("phases") or {})


def phase_left(lab: Lab, status: RunStatus, now: float) -> float | None:
    """Seconds until the current phase ends; None for a phase whose length is not planned."""
    if status.mark is None or status.phase not in _TIMED:
        return None
    return max(0.0, status.mark + phases(lab).windows()[_TIMED[status.phase]][1] - now)


def run_left(lab: Lab, status: RunStatus, now: float) -> float:
    """About how many seconds until the score."""
    total = total_seconds(lab)
    if status.mark is not None:
        return max(1.0, status.mark + phases(lab).windows()["drain"][1] + AROUND_SECONDS / 2 - now)
    return max(1.0, total - (now - status.started)) if status.started else total
