"""Grafana's dashboard and data source: made of the same panels, and every query is one that Prometheus takes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml
from tests.charts.test_faultline import render

from faultline import grafana
from faultline.clients.prometheus import Prometheus
from faultline.panels import PANELS


def test_the_file_is_what_the_panels_make() -> None:
    assert grafana.FILE.read_text() == grafana.text(), "python -m faultline.grafana"


def test_each_panel_is_there_and_asks_the_pinned_source() -> None:
    made = grafana.dashboard()
    assert [each["title"] for each in made["panels"]] == [each.title for each in PANELS]
    assert len({each["id"] for each in made["panels"]}) == len(PANELS)
    sources = [each["datasource"] for panel in made["panels"] for each in (panel, *panel["targets"])]
    sources += [each["datasource"] for each in (*made["templating"]["list"], *made["annotations"]["list"])]
    assert {each["uid"] for each in sources} == {"faultline-prometheus"}
    places = {(each["gridPos"]["x"], each["gridPos"]["y"]) for each in made["panels"]}
    assert len(places) == len(PANELS), "no panel lies on another"
    for panel in made["panels"]:
        letters = [each["refId"] for each in panel["targets"]]
        assert letters == sorted(set(letters))


async def test_the_chart_brings_both_for_a_sidecar() -> None:
    found = await render(grafana={"enabled": True}, prometheus={"url": "https://metrics.example.org"})
    board = found["ConfigMap", "grafana-dashboard"]
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(board["data"]["faultline-lab.json"]) == grafana.dashboard()
    (source,) = yaml.safe_load(found["ConfigMap", "grafana-datasource"]["data"]["faultline.yaml"])["datasources"]
    assert (source["uid"], source["url"]) == (grafana.DATASOURCE, "https://metrics.example.org")
    assert ("ConfigMap", "grafana-dashboard") not in await render()


@pytest.mark.e2e
async def test_prometheus_takes_every_query(prometheus_server: Callable[[str], str]) -> None:
    made = grafana.dashboard()
    queries = [each["expr"] for panel in made["panels"] for each in panel["targets"]]
    queries += [each["expr"] for each in made["annotations"]["list"]]
    async with Prometheus(prometheus_server("# TYPE up gauge\nup 1 1790000000\n# EOF\n")) as prometheus:
        for query in queries:
            assert await prometheus.instant(query.replace("$scenario", "shop"), 1_790_000_000) == []
