"""How long grading takes: a real run of 70 s, its objectives made thirty, graded again in the operator's own pod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files

from faultline.cli import _experiment, _usage
from faultline.cli._benches import _inside
from faultline.cli._benches.base import Bench, Measurement, median, worst
from faultline.cli._show import Line
from faultline.names import SYSTEM_NAMESPACE

SLUG, NAME = "circuit-breakers", "bench-grading"
OBJECTIVES = 30
BOUND_SECONDS = 1.0
PATIENCE_SECONDS = 120.0


def measure(bench: Bench) -> Iterator[Measurement]:
    """The same run as often as asked, in one process, since the operator's does not start for each either."""
    with _experiment.own_lab(bench.cluster, SLUG, NAME, "bench-grading") as lab:
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
