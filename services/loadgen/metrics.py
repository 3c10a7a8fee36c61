"""The current run's numbers for Prometheus, read from its board at each scrape."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from loadgen.board import BUCKETS, CLIENTS, Board
from loadgen.plan import OUTCOMES, PHASES
from loadgen.runs import Run


class RunCollector(Collector):
    """Nothing until a run is ready; then its series, until another run takes its place."""

    def __init__(self) -> None:
        self.run: Run | None = None

    def collect(self) -> Iterator[Metric]:
        """All series of the run."""
        run = self.run
        if run is None or run.board is None:
            return
        yield from _counters(run.name, run.board)
        yield _latencies(run.name, run.board)
        yield _lateness(run)
        if run.results:
            yield from _results(run.name, run.results)
        complete = GaugeMetricFamily("faultline_load_complete", "1 when all is written", labels=["run"])
        complete.add_metric([run.name], 1 if run.state == "done" else 0)
        yield complete


def _counters(run: str, board: Board) -> Iterator[Metric]:
    offered = CounterMetricFamily(
        "faultline_load_offered", "Requests, counted at their intended start", labels=["run", "phase", "op", "fault"]
    )
    requests = CounterMetricFamily(
        "faultline_load_requests",
        "Requests whose outcome is known",
        labels=["run", "phase", "op", "fault", "outcome"],
    )
    for fault, phase, op in _rows(board):
        offered.add_metric([run, phase, op, fault], board.offered(phase, op, fault))
        for outcome in OUTCOMES:
            requests.add_metric([run, phase, op, fault, outcome], board.settled(phase, op, outcome, fault))
    yield offered
    yield requests


def _rows(board: Board) -> Iterator[tuple[str, str, str]]:
    """The label `fault` is empty for what clients send, which Prometheus takes for a label that is not there."""
    yield from product((CLIENTS, *board.faults), PHASES, board.ops)


def _latencies(run: str, board: Board) -> Metric:
    family = HistogramMetricFamily(
        "faultline_load_latency_seconds", "Intended start to answer", labels=["run", "phase", "op", "fault"]
    )
    for fault, phase, op in _rows(board):
        counts, total = board.latencies(phase, op, fault)
        buckets, below = [], 0.0
        for limit, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
            below += count
            buckets.append((limit, below))
        family.add_metric([run, phase, op, fault], buckets, total)
    return family


def _lateness(run: Run) -> Metric:
    family = GaugeMetricFamily(
        "faultline_load_dispatch_late_seconds", "Intended to real start of an arrival", labels=["run", "quantile"]
    )
    for quantile, name in (("0.99", "late_p99"), ("1", "late_max")):
        family.add_metric([run.name, quantile], run.health.get(name, 0.0))
    return family


def _results(run: str, results: dict[str, Any]) -> Iterator[Metric]:
    exact = GaugeMetricFamily(
        "faultline_load_exact_latency_seconds", "From all requests", labels=["run", "phases", "op", "fault", "quantile"]
    )
    for each in results["exact"]:
        exact.add_metric(
            [run, each["phases"], each["op"], each["fault"], str(each["quantile"])], float(each["seconds"])
        )
    yield exact
    recovery = GaugeMetricFamily(
        "faultline_load_recovery_seconds", "End of the last fault to end of the last bad second", labels=["run", "op"]
    )
    for op, seconds in results["recovery"].items():
        recovery.add_metric([run, op], seconds)
    yield recovery
