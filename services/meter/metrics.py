"""The meter's numbers for Prometheus. They are read at each scrape: as fresh as can be, and nothing runs in between."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from meter.cgroups import Reader
from meter.pods import Pods

POD_LABELS = ["namespace", "pod", "scenario", "part"]
MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""The first columns of /proc/stat, in its order. Guests' time, which follows, is part of user and nice."""


class MeterCollector(Collector):
    """Pods and host."""

    def __init__(self, reader: Reader, pods: Pods, stat: Path = Path("/proc/stat")) -> None:
        self._reader = reader
        self._pods = pods
        self._stat = stat
        self._lock = threading.Lock()  # The HTTP server has a thread for each scrape, and the reader has a memory.

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        with self._lock:
            yield from self._usage()
        yield host_cpu(self._stat.read_text())
        failures = CounterMetricFamily("faultline_meter_api_failures", "Times that the API server did not answer")
        failures.add_metric([], self._pods.failures)
        yield failures

    def _usage(self) -> Iterator[Metric]:
        cpu = CounterMetricFamily("faultline_pod_cpu_seconds", "CPU used", labels=POD_LABELS)
        memory = GaugeMetricFamily("faultline_pod_memory_bytes", "Working set", labels=POD_LABELS)
        throttled = CounterMetricFamily(
            "faultline_pod_cpu_throttled_seconds", "Held up by its quota", labels=POD_LABELS
        )
        for uid, usage in self._reader.read().items():
            pod = self._pods.get(uid)
            if pod:
                cpu.add_metric(list(pod), usage.cpu_seconds)
                memory.add_metric(list(pod), usage.memory_bytes)
                throttled.add_metric(list(pod), usage.throttled_seconds)
        yield cpu
        yield memory
        yield throttled


def host_cpu(stat: str) -> Metric:
    """The host's CPU by mode from the text of /proc/stat."""
    family = CounterMetricFamily("faultline_node_cpu_seconds", "The host's CPU, all cores", labels=["mode"])
    columns = next(line for line in stat.splitlines() if line.startswith("cpu ")).split()[1:]
    ticks = os.sysconf("SC_CLK_TCK")
    for mode, value in zip(MODES, columns, strict=False):
        family.add_metric([mode], int(value) / ticks)
    return family
