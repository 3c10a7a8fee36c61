"""How long grading takes: a real run of 90 s, its objectives made thirty, graded again in the operator's own pod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from faultline.api.base import seconds
from faultline.cli import _deploy, _experiment, _runs, _usage
from faultline.cli._benches import _inside
from faultline.cli._benches.base import Bench, Measurement, median, worst
from faultline.cli._labs import SCENARIOS, Lab
from faultline.cli._show import Line
from faultline.names import SYSTEM_NAMESPACE

SLUG, NAME = "circuit-breakers", "bench-grading"
OBJECTIVES = 30
RUN_SECONDS = 90
"""From the baseline to the end of the drain, over which Prometheus is asked. The whole run takes some 15 s more."""
BOUND_SECONDS = 1.0
PATIENCE_SECONDS = 120.0


def measure(bench: Bench) -> Iterator[Measurement]:
    """The same run as often as asked, in one process, since the operator's does not start for each either."""
    with _experiment.own_lab(bench.cluster, SLUG, NAME, "bench-grading") as made:
        bench.cluster.patch(f"{SCENARIOS}/{NAME}", lengthened(made))
        with Line() as line:
            lab = _deploy.wait_ready(bench.cluster, NAME, line)
        run = _experiment.experiment(bench.cluster, lab, "flawed").run
        work = {"spec": lab.raw["spec"], "run": run.raw, "objectives": OBJECTIVES, "times": bench.repeat}
        pod = _usage.operator_pod(bench.cluster)
        source = files(_inside).joinpath("grader.py").read_text(encoding="utf-8")
        with Line() as line:
            line.update(f"grading {run.name} {bench.repeat} times, {OBJECTIVES} objectives")
            command = ["python", "-c", source, json.dumps(work)]
            took = json.loads(bench.cluster.execute(SYSTEM_NAMESPACE, pod, command, timeout=PATIENCE_SECONDS))
    yield worst(f"grading_seconds_{OBJECTIVES}_objectives", took, "s", BOUND_SECONDS)
    yield median(f"grading_median_seconds_{OBJECTIVES}_objectives", took, "s", BOUND_SECONDS)


def lengthened(lab: Lab) -> dict[str, Any]:
    """The change by which its runs have RUN_SECONDS: a recovery that is as much longer, at the load that it has."""
    phases = _runs.phases(lab)
    more = RUN_SECONDS - phases.windows()["drain"][1]
    return {"spec": {"phases": {"recovery": f"{seconds(phases.recovery) + more:g}s"}}}
