"""Set-up, deploying, a run, and what it all costs in memory and CPU."""

from __future__ import annotations

import time
from collections.abc import Iterator

from faultline.cli import _deploy, _experiment, _usage
from faultline.cli._benches.base import Bench, Measurement, median, worst
from faultline.cli._command import run_self
from faultline.cli._show import Line

SLUG, NAME = "circuit-breakers", "bench"
MIB = 1024**2
IDLE_SECONDS = 30
READY_SAMPLES = 3
REST_SECONDS = 10.0


def measure(bench: Bench) -> Iterator[Measurement]:
    """Each budget of DESIGN that a learner feels, on a lab of its own."""
    yield Measurement("setup_warm_seconds", round(_timed("up"), 1), "s", 60)
    yield worst("lab_ready_seconds", [_lab_ready(bench) for _ in range(READY_SAMPLES)], "s", 15)
    with _experiment.own_lab(bench.cluster, SLUG, NAME, "bench") as lab:
        result = _experiment.experiment(bench.cluster, lab, "flawed")
        yield Measurement("run_seconds", round(result.run.seconds or float("nan"), 1), "s", 90)
        memory = [_usage.node_memory_bytes() for _ in range(3)]
        yield median("memory_bytes", memory, "bytes", 2560 * MIB)
        idle = _usage.operator_cores(bench.cluster, IDLE_SECONDS)
        yield Measurement("operator_rss_bytes", _usage.operator_memory_bytes(bench.cluster), "bytes", 300 * MIB)
        yield Measurement("operator_idle_cores", round(idle, 4), "cores", 0.1)


def _timed(*args: str) -> float:
    """How long a command takes as a person waits for it, its start included."""
    began = time.monotonic()
    run_self(*args)
    return time.monotonic() - began


def _lab_ready(bench: Bench) -> float:
    """From nothing to Ready; the lab is deleted before and after, outside the measurement."""
    with Line() as line:
        _deploy.delete(bench.cluster, NAME, line)
        # The node still takes apart the one before.
        time.sleep(REST_SECONDS)
        began = time.monotonic()
        _deploy.apply(bench.cluster, SLUG, NAME, "bench")
        _deploy.wait_ready(bench.cluster, NAME, line)
        took = time.monotonic() - began
        _deploy.delete(bench.cluster, NAME, line)
    return took
