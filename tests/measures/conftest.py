"""A real Prometheus that holds one made-up run, and the context that describes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from faultline.clients.prometheus import Prometheus
from faultline.measures.base import Context, Disturbance

MARK = 1_790_000_000.0
BEFORE, AFTER = -5, 66
RUN = 'run="run-1"'


@pytest.fixture(scope="session")
def context() -> Context:
    return Context(
        run="run-1",
        scenario="shop",
        lab_namespace="lab-shop",
        harness_namespace="harness-shop",
        windows={
            "baseline": (MARK, MARK + 12),
            "fault": (MARK + 12, MARK + 42),
            "recovery": (MARK + 42, MARK + 57),
            "drain": (MARK + 57, MARK + 61),
        },
        end=MARK + 64,
        deadline=2.5,
        faults=[
            Disturbance(name="slow", edge="checkout->payments", start=MARK + 12, end=MARK + 24),
            Disturbance(name="cut", edge="checkout->payments", start=MARK + 24.5, end=MARK + 40),
        ],
    )


def _during(start: float, end: float, rate: float) -> Callable[[float], float]:
    return lambda at: rate * (min(max(at, start), end) - start)


def _sum(*parts: Callable[[float], float]) -> Callable[[float], float]:
    return lambda at: sum(part(at) for part in parts)


Value = Callable[[float], float | None]


def _made_up() -> dict[str, list[tuple[str, Value]]]:
    """By metric: labels, and the value at a time in seconds after the mark.

    50 browse and 20 checkout a second. While the fault phase lasts a tenth of browse fails and half of checkout gets
    no answer. A greedy client adds 40 browse a second, a quarter of them ok. Payments is tried three times a second and
    operation while slow; when cut off, 100 connections a second.
    """
    phases = {"baseline": (0, 12), "fault": (12, 42), "recovery": (42, 57)}
    requests, offered = [], []
    for phase, (start, end) in phases.items():
        bad = phase == "fault"
        shares = {
            "browse": {"ok": 0.9 if bad else 1, "failed": 0.1 if bad else 0, "unknown": 0},
            "checkout": {"ok": 0.5 if bad else 1, "failed": 0, "unknown": 0.5 if bad else 0},
        }
        for op, rate in (("browse", 50), ("checkout", 20)):
            labels = f'{RUN},phase="{phase}",op="{op}"'
            offered.append((labels, _during(start, end, rate)))
            requests += [
                (f'{labels},outcome="{outcome}"', _during(start, end, rate * share))
                for outcome, share in shares[op].items()
            ]
    requests += [
        (f'{RUN},phase="fault",op="browse",fault="greedy",outcome="{outcome}"', _during(12, 42, rate))
        for outcome, rate in (("ok", 10), ("failed", 30), ("unknown", 0))
    ]
    lab = 'namespace="lab-shop",part="{}",pod="{}-1"'
    store = 'namespace="lab-shop",part="store",app="{}"'
    queue = 'namespace="harness-shop",queue="jobs"'
    emptied = 'namespace="lab-emptied",part="store",pod="redis-1"'
    replica = 'namespace="{}",part="store",app="postgres-replica"'
    pager = 'namespace="lab-shop",part="shared",pod="pager-1"'
    exact = f'{RUN},phases="{{}}",op="{{}}",quantile="0.95"'
    return {
        "faultline_load_requests_total": requests,
        "faultline_load_offered_total": offered,
        "faultline_load_exact_latency_seconds": [
            (exact.format("fault", ""), lambda _: 1.25),
            (exact.format("fault+recovery", "checkout"), lambda _: 0.8),
            (exact.format("fault", "checkout"), lambda _: float("inf")),
            (exact.format("fault", "") + ',fault="greedy"', lambda _: 0.1),
        ],
        "faultline_load_recovery_seconds": [(f'{RUN},op=""', lambda _: 3), (f'{RUN},op="checkout"', lambda _: 7)],
        "faultline_dependency_requests_total": [
            (
                'namespace="lab-shop",part="shared",pod="payments-1",dependency="payments",outcome="ok"',
                _sum(_during(0, 12, 20), _during(12, 24, 60), _during(40, 57, 20)),
            )
        ],
        "faultline_edge_connections_total": [
            (
                'namespace="harness-shop",edge="checkout->payments"',
                _sum(_during(0, 12, 2), _during(12, 24, 5), _during(24, 40, 100), _during(40, 57, 2)),
            )
        ],
        "faultline_pod_cpu_seconds_total": [
            (lab.format("app", "checkout"), _during(0, 61, 0.2)),
            (lab.format("store", "postgres"), _during(0, 61, 0.1)),
            ('namespace="lab-other",part="app",pod="x-1"', _during(0, 61, 0.9)),
            *(
                (f'namespace="lab-shop",part="made-up",pod="{pod}"', _during(start, 61, rate))
                for pod, start, rate in (
                    ("front-7f9c8d6b54-abcde", 0, 0.2),
                    ("front-7f9c8d6b54-fghij", 0, 0.1),
                    ("front-other-0", 0, 5),
                    ("late-7f9c8d6b54-abcde", 0, 0.2),
                )
            ),
            # It is not there before it starts.
            (
                'namespace="lab-shop",part="made-up",pod="late-7f9c8d6b54-fghij"',
                lambda at: 0.6 * (min(at, 42) - 27) if at > 27 else None,
            ),
        ],
        "redis_keyspace_hits_total": [
            (lab.format("store", "redis"), _sum(_during(0, 12, 90), _during(12, 61, 50))),
            # It restarts in second 30.
            (emptied, lambda at: 50 * (at + 5) if at < 30 else 9 * (at - 30)),
        ],
        "redis_keyspace_misses_total": [
            (lab.format("store", "redis"), _sum(_during(0, 12, 10), _during(12, 61, 50))),
            (emptied, lambda at: 50 * (at + 5) if at < 30 else at - 30),
        ],
        "faultline_pod_memory_bytes": [
            (lab.format("app", "checkout"), lambda _: 100 * 1024**2),
            (lab.format("store", "postgres"), lambda _: 60 * 1024**2),
            (lab.format("made-up", "late"), lambda _: 5),
        ],
        "pg_stat_activity_count": [
            (f'{store.format("postgres")},datname="lab",state="active"', lambda at: 12 if 20 < at < 30 else 2),
            (f'{store.format("postgres")},datname="lab",state="idle"', lambda _: 6),
            (f'{store.format("postgres")},datname="postgres",state="idle"', lambda _: 9),
        ],
        "pg_stat_database_tup_returned": [
            # The database that was there before the reset, and the run's own.
            (f'{store.format("postgres")},datname="lab",datid="1"', lambda at: 5e9 if at < -3 else None),
            (f'{store.format("postgres")},datname="lab",datid="2"', _sum(lambda _: 1e6, _during(0, 61, 7000))),
            (f'{store.format("postgres")},datname="postgres",datid="3"', _during(0, 61, 1e5)),
        ],
        "redis_connected_clients": [(store.format("redis"), lambda _: 5)],
        "pgbouncer_pools_client_active_connections": [(f'{store.format("pgbouncer")},database="lab"', lambda _: 20)],
        "pgbouncer_pools_client_waiting_connections": [(f'{store.format("pgbouncer")},database="lab"', lambda _: 3)],
        "faultline_queue_depth": [
            (queue, _during(12, 42, 10)),
            # Of the 61 seconds 12 are missing, and 13.
            (queue.replace("jobs", "blinking"), lambda at: None if 20 < at < 32 else 7),
            (queue.replace("jobs", "unseen"), lambda at: None if 20 < at < 33 else 7),
        ],
        "faultline_queue_oldest_seconds": [(queue, _during(12, 42, 0.5))],
        "pg_replication_last_replay_seconds": [
            (f'{store.format("postgres-replica")},pod="a"', lambda _: 0.3),
            (f'{store.format("postgres-replica")},pod="b"', lambda at: 4.2 if 20 < at < 30 else 0.3),
            (f'{store.format("postgres")},pod="c"', lambda _: 99),
            # Of the 30 seconds of the fault phase 4 are missing, and 8.
            (replica.format("lab-late"), lambda at: 3.2 if at > 16 else None),
            (replica.format("lab-later"), lambda at: 3.2 if at > 20 else None),
        ],
        "faultline_heartbeat_age_seconds": [('namespace="harness-shop"', lambda _: 0.2)],
        "faultline_pages_total": [(pager, lambda at: 1 + (at > 20) + (at > 32))],
        "faultline_alerts_total": [(f'{pager},alert="payments are slow"', lambda at: 1 if at > 32 else None)],
    }


def _openmetrics() -> str:
    lines = []
    for metric, series in _made_up().items():
        family = metric.removesuffix("_total")
        lines.append(f"# TYPE {family} {'counter' if metric.endswith('_total') else 'gauge'}")
        for labels, value in series:
            readings = ((at + 0.3, value(at + 0.3)) for at in range(BEFORE, AFTER))
            lines += [f"{metric}{{{labels}}} {is_} {MARK + at:.1f}" for at, is_ in readings if is_ is not None]
    return "\n".join([*lines, "# EOF", ""]).replace(" inf ", " +Inf ")


@pytest.fixture(scope="session")
def prometheus_url(prometheus_server: Callable[[str], str]) -> str:
    return prometheus_server(_openmetrics())


@pytest.fixture
async def prometheus(prometheus_url: str) -> AsyncIterator[Prometheus]:
    async with Prometheus(prometheus_url) as client:
        yield client
