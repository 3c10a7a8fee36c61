"""What Prometheus reads from the injector, computed when it asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from faultline.injector.connections import Connections
from faultline.injector.edge import Edge
from faultline.injector.observer import Observer
from faultline.injector.runner import Runner
from faultline.names import HELD_OUT


class InjectorCollector:
    """Edges, connections and faults as metrics."""

    def __init__(self, edges: Mapping[str, Edge], runner: Runner, connections: Connections, observer: Observer) -> None:
        self._edges = edges
        self._runner = runner
        self._connections = connections
        self._observer = observer
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry. Connections are left out, not zero, when they cannot be counted."""
        up = GaugeMetricFamily("faultline_edge_up", "whether the edge's Toxiproxy runs as it should", labels=["edge"])
        restarts = CounterMetricFamily("faultline_edge_restarts", "restarts of the edge's Toxiproxy", labels=["edge"])
        for name, edge in self._edges.items():
            up.add_metric([name], float(edge.up))
            restarts.add_metric([name], edge.restarts)
        yield from (up, restarts)
        opened = CounterMetricFamily("faultline_edge_connections", "connections clients opened", labels=["edge"])
        for name, count in self._connections.counts.items():
            opened.add_metric([name], count)
        yield opened
        active = GaugeMetricFamily(
            "faultline_fault_active", "1 while the fault is on", labels=["run", "fault", "type", "edge"]
        )
        # All that are held out are one series: that one of them is on is told, which one is not.
        on: dict[tuple[str, str, str], bool] = {}
        for status in self._runner.statuses:
            labels = (HELD_OUT, HELD_OUT, "") if status.held_out else (status.name, status.type, status.edge)
            on[labels] = on.get(labels, False) or status.name in self._runner.active
        for labels, value in on.items():
            active.add_metric([self._runner.run, *labels], float(value))
        yield active
        yield from self._observed()

    def _observed(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("faultline_queue_depth", "items that wait in a queue", labels=["queue"])
        oldest = GaugeMetricFamily("faultline_queue_oldest_seconds", "wait of the oldest item", labels=["queue"])
        for name, waiting in self._observer.waiting.items():
            depth.add_metric([name], waiting.depth)
            oldest.add_metric([name], waiting.oldest)
        beat = GaugeMetricFamily("faultline_heartbeat_age_seconds", "since the last heartbeat on the primary")
        if (age := self._observer.beat_age) is not None:
            beat.add_metric([], age)
        yield from (depth, oldest, beat)
