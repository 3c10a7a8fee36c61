"""The definitions of what is shown, on a real Prometheus."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from faultline import panels
from faultline.clients.prometheus import Prometheus

MARK = 1_790_000_000


def test_names_are_unique_and_units_are_known() -> None:
    names = [each.name for each in panels.ALL]
    assert len(names) == len(set(names))
    assert {each.unit for each in panels.PANELS} <= {
        "/s", "ratio", "s", "requests", "callers", "connections", "locks", "messages", "cores", "MiB",
    }  # fmt: skip


def test_a_query_names_the_lab_s_own_namespaces_only() -> None:
    query = panels.together("shop")
    assert "LAB" not in query
    assert "HARNESS" not in query
    for panel in panels.ALL:
        for trace in panel.traces:
            assert 'namespace="' in trace.query("lab-shop", "harness-shop"), panel.name


def test_a_series_finds_its_line() -> None:
    assert panels.line_of({"panel": "load", "trace": "1"}) == ("load", "ok")
    assert panels.line_of({"panel": "errors", "trace": "0", "op": "buy"}) == ("errors", "buy")
    # What a series lacks is empty in Prometheus.
    assert panels.line_of({"panel": "pools", "trace": "0", "pool": "orders"}) == ("pools", "orders")


def _openmetrics() -> str:
    lab, harness = 'namespace="lab-shop"', 'namespace="harness-shop"'
    rows = {
        "faultline_load_offered_total": [(harness, 60.0)],
        "faultline_load_requests_total": [(f'{harness},op="buy",outcome="{each}"', 20.0) for each in ("ok", "failed")],
        "faultline_load_latency_seconds_bucket": [(f'{harness},op="buy",le="{le}"', 20.0) for le in ("0.1", "+Inf")],
        "faultline_edge_connections_total": [(f'{harness},edge="web->redis"', 2.0)],
        "faultline_pod_cpu_seconds_total": [
            (f'{lab},pod="{pod}",part="app"', 0.2) for pod in ("web-6b5d9c7f88-x2x4z", "web-6b5d9c7f88-abcde")
        ],
    }
    gauges = {
        "faultline_edge_up": [(f'{harness},edge="web->redis"', 1.0)],
        "faultline_fault_active": [
            (f'{harness},edge="web->redis",fault="cut",type="partition",run="r"', 1.0),
            (f'{harness},edge="web->redis",fault="old",type="latency",run="q"', 0.0),
        ],
        "app_pool_in_use": [(f'{lab},pod="web-6b5d9c7f88-x2x4z",pool="postgres"', 3.0)],
        "app_pool_max": [(f'{lab},pod="web-6b5d9c7f88-x2x4z",pool="postgres"', 4.0)],
    }
    lines = []
    for metric, found in {**rows, **gauges}.items():
        counts = metric in rows
        lines.append(f"# TYPE {metric.removesuffix('_total').removesuffix('_bucket')} {_kind(metric, counts)}")
        for labels, value in found:
            lines += [f"{metric}{{{labels}}} {value * (at if counts else 1)} {MARK + at}" for at in range(60)]
    return "\n".join([*lines, "# EOF", ""])


def _kind(metric: str, counts: bool) -> str:
    return "histogram" if metric.endswith("_bucket") else "counter" if counts else "gauge"


@pytest.mark.e2e
async def test_one_query_gives_every_panel(prometheus_server: Callable[[str], str]) -> None:
    async with Prometheus(prometheus_server(_openmetrics())) as prometheus:
        found = await prometheus.range(panels.together("shop"), MARK + 30, MARK + 30)
    values = {panels.line_of(each.labels): each.points[0][1] for each in found}
    assert values["load", "offered"] == pytest.approx(60)
    assert values["load", "ok"] == pytest.approx(20)
    assert values["errors", "buy"] == pytest.approx(0.5)
    assert values["latency", "p95"] <= 0.1
    assert values["cpu", "web"] == pytest.approx(0.4)  # both pods of the Deployment
    assert values["pools", "web postgres"] == pytest.approx(0.75)
    assert values["edges", "web->redis"] == pytest.approx(2)
    assert values["edge_up", "web->redis"] == 1
    assert [line for panel, line in values if panel == "fault_active"] == ["web->redis cut"]
