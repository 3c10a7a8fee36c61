from __future__ import annotations

import httpx
import pytest
from prometheus_client import REGISTRY

from pager import main


@pytest.fixture
async def http():
    main.received.clear()
    main.names.clear()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=main.app), base_url="http://pager") as client:
        yield client


def count(name: str = "faultline_pages_total", **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_an_alert_is_counted_by_its_name_and_can_be_read(http):
    pages, alerts = count(), count("faultline_alerts_total", alert="payments are slow")
    answer = await http.post("/alerts", json={"name": "payments are slow", "text": "p95 is 3 s"})
    assert answer.status_code == 202
    assert (await http.get("/alerts")).json() == [answer.json()]
    assert (count(), count("faultline_alerts_total", alert="payments are slow")) == (pages + 1, alerts + 1)


async def test_names_without_end_are_counted_as_other(http):
    pages, other = count(), count("faultline_alerts_total", alert="other")
    for number in range(25):
        await http.post("/alerts", json={"name": f"alert {number}"})
    assert (count(), count("faultline_alerts_total", alert="other")) == (pages + 25, other + 5)
    await http.post("/alerts", json={"name": "alert 3"})
    assert count("faultline_alerts_total", alert="other") == other + 5


async def test_an_alert_needs_a_name(http):
    assert (await http.post("/alerts", json={"name": ""})).status_code == 422
