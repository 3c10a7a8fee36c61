"""What there is to see of a lab while it runs: the dashboard's live charts and Grafana's are made of these.

An expression has `LAB` and `HARNESS` where the names of the lab's namespaces go, and gives rates over the last seconds,
since Prometheus scrapes once a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from faultline.names import harness_namespace, lab_namespace

PODS = "(.+?)(-[a-z0-9]{6,10}-[a-z0-9]{5}|-[0-9]+)?"
"""A pod's name: that of its Deployment or StatefulSet, and hashes or a number."""


@dataclass(frozen=True)
class Trace:
    """One query of a panel: a line for each series that it gives, named `label`; `{op}` in it takes a label's value."""

    label: str
    expr: str

    def query(self, lab: str, harness: str) -> str:
        """The expression for the namespaces `lab` and `harness`."""
        return self.expr.replace("LAB", lab).replace("HARNESS", harness)


@dataclass(frozen=True)
class Panel:
    """Lines that share an axis. `unit`: s, ratio, or a word for after the number. `about` says what to look for."""

    name: str
    title: str
    unit: str
    about: str
    traces: tuple[Trace, ...]
    stacked: bool = False


def _outcome(outcome: str) -> Trace:
    return Trace(outcome, f'sum(rate(faultline_load_requests_total{{namespace="HARNESS",outcome="{outcome}"}}[3s]))')


def _quantile(quantile: str) -> str:
    buckets = 'sum by (le) (rate(faultline_load_latency_seconds_bucket{namespace="HARNESS"}[5s]))'
    return f"histogram_quantile({quantile}, {buckets})"


def _by_service(vector: str) -> str:
    """Summed over the pods of a Deployment or StatefulSet."""
    return f'sum by (service) (label_replace({vector}, "service", "$1", "pod", "{PODS}"))'


_POOL = 'sum by (service, pool) (label_replace(app_pool_%s{namespace="LAB"}, "service", "$1", "pod", "PODS"))'.replace(
    "PODS", PODS
)
_REQUESTS = 'sum by (op) (rate(faultline_load_requests_total{namespace="HARNESS"%s}[3s]))'
_BAD = ',outcome!="ok"'
_LOOKUPS = 'sum(rate(redis_keyspace_%s_total{namespace="LAB",part="store"}[5s]))'

PANELS: tuple[Panel, ...] = (
    Panel(
        "load",
        "Requests",
        "/s",
        "What customers ask for each second, and how it ends. The dashed line is what was offered.",
        (
            Trace("offered", 'sum(rate(faultline_load_offered_total{namespace="HARNESS"}[3s]))'),
            _outcome("ok"),
            _outcome("failed"),
            _outcome("unknown"),
        ),
        stacked=True,
    ),
    Panel(
        "errors",
        "Errors",
        "ratio",
        "The share of answers that were errors or never came, by operation.",
        (Trace("{op}", f"{_REQUESTS % _BAD} / ({_REQUESTS % ''} > 0)"),),
    ),
    Panel(
        "latency",
        "Latency",
        "s",
        "From the moment a request was meant to start to its answer.",
        (Trace("p50", _quantile("0.5")), Trace("p95", _quantile("0.95")), Trace("p99", _quantile("0.99"))),
    ),
    Panel(
        "in_flight",
        "Requests in flight",
        "requests",
        "Begun and not finished, by service. A service that waits for another fills up.",
        (Trace("{service}", _by_service('app_requests_in_flight{namespace="LAB"}')),),
    ),
    Panel(
        "pools",
        "Connection pools",
        "ratio",
        "The share of each pool that is lent out. At 100% the next caller waits.",
        (Trace("{service} {pool}", f"{_POOL % 'in_use'} / {_POOL % 'max'}"),),
    ),
    Panel(
        "waiting",
        "Waiting for a connection",
        "callers",
        "Callers in front of a pool that has none left.",
        (
            Trace("{service} {pool}", _POOL % "waiting"),
            Trace("pgbouncer", 'sum(pgbouncer_pools_client_waiting_connections{namespace="LAB"})'),
        ),
    ),
    Panel(
        "postgres",
        "Postgres connections",
        "connections",
        "Open connections by what they do. Idle in transaction is a caller that holds one and does something else.",
        (Trace("{state}", 'sum by (state) (pg_stat_activity_count{namespace="LAB",datname="lab"} > 0)'),),
    ),
    Panel(
        "locks",
        "Postgres locks",
        "locks",
        "Locks held, by the mode that keeps others out.",
        (
            Trace(
                "{mode}",
                'sum by (mode) (pg_locks_count{namespace="LAB",datname="lab",'
                'mode=~"exclusivelock|accessexclusivelock|sharerowexclusivelock|rowexclusivelock"})',
            ),
        ),
    ),
    Panel(
        "lag",
        "Replication lag",
        "s",
        "How far the replica is behind: what it shows is this old.",
        (Trace("{pod}", 'max by (pod) (pg_replication_last_replay_seconds{namespace="LAB",app="postgres-replica"})'),),
    ),
    Panel(
        "queue",
        "Queues",
        "messages",
        "What waits to be worked on. A queue that only grows has no end.",
        (Trace("{queue}", 'max by (queue) (faultline_queue_depth{namespace="HARNESS"})'),),
    ),
    Panel(
        "queue_age",
        "Age of the oldest message",
        "s",
        "How long what stands in front has waited.",
        (Trace("{queue}", 'max by (queue) (faultline_queue_oldest_seconds{namespace="HARNESS"})'),),
    ),
    Panel(
        "cache",
        "Cache hits",
        "ratio",
        "Look-ups in Redis that found their key.",
        (Trace("hit ratio", f"{_LOOKUPS % 'hits'} / ({_LOOKUPS % 'hits'} + {_LOOKUPS % 'misses'} > 0)"),),
    ),
    Panel(
        "dependencies",
        "Attempts at dependencies",
        "/s",
        "What a dependency is asked. More than customers ask for is retries.",
        (
            Trace(
                "{dependency}",
                'sum by (dependency) (rate(faultline_dependency_requests_total{namespace="LAB"}[3s]))',
            ),
        ),
    ),
    Panel(
        "edges",
        "Connections opened",
        "/s",
        "New connections on each edge. A pool opens few; a caller that gives up and tries again opens many.",
        (Trace("{edge}", 'sum by (edge) (rate(faultline_edge_connections_total{namespace="HARNESS"}[3s]))'),),
    ),
    Panel(
        "cpu",
        "CPU",
        "cores",
        "Who works, and who only waits.",
        (Trace("{service}", _by_service('rate(faultline_pod_cpu_seconds_total{namespace="LAB"}[3s])')),),
    ),
    Panel(
        "memory",
        "Memory",
        "MiB",
        "The working set of each service.",
        (Trace("{service}", _by_service('faultline_pod_memory_bytes{namespace="LAB"}') + " / 1048576"),),
    ),
)

SIGNS: tuple[Panel, ...] = (
    Panel("edge_up", "", "", "", (Trace("{edge}", 'min by (edge) (faultline_edge_up{namespace="HARNESS"})'),)),
    Panel(
        "fault_active",
        "",
        "",
        "",
        (Trace("{edge} {fault}", 'max by (edge, fault, type) (faultline_fault_active{namespace="HARNESS"} > 0)'),),
    ),
)
"""What is shown by the picture of the lab, not by a chart."""

ALL = (*PANELS, *SIGNS)


def together(scenario: str) -> str:
    """One expression for everything there is to see of a lab, so that a look costs one query.

    Each series carries `panel` and `trace`, which say by whose expression it came.
    """
    lab, harness = lab_namespace(scenario), harness_namespace(scenario)
    return "\nor ".join(
        f'label_replace(label_replace({trace.query(lab, harness)}, "panel", "{panel.name}", "", ""), '
        f'"trace", "{place}", "", "")'
        for panel, place, trace in _traces()
    )


def line_of(labels: Mapping[str, str]) -> tuple[str, str]:
    """The panel and the line that a series of `together` belongs to. Raises KeyError for one that is of none."""
    panel = _BY_NAME[labels["panel"]]
    label = panel.traces[int(labels["trace"])].label
    return panel.name, label.format_map(_Blank(labels)).strip()


class _Blank(dict[str, str]):
    """Labels; one that a series does not have is empty in Prometheus."""

    def __missing__(self, key: str) -> str:
        return ""


def _traces() -> Iterator[tuple[Panel, int, Trace]]:
    for panel in ALL:
        for place, trace in enumerate(panel.traces):
            yield panel, place, trace


_BY_NAME = {panel.name: panel for panel in ALL}


def as_json() -> str:
    """Name, title, unit, meaning and lines of each panel, for the page."""
    return json.dumps(
        [
            {
                "name": each.name,
                "title": each.title,
                "unit": each.unit,
                "about": each.about,
                "stacked": each.stacked,
            }
            for each in PANELS
        ]
    )
