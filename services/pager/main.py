"""`pager.main:app`: takes alerts over HTTP and counts them; nobody is woken."""

from __future__ import annotations

import time

from prometheus_client import Counter
from pydantic import BaseModel, Field

from labkit import create_app

MOST_NAMES = 20
OTHER = "other"

PAGES = Counter("faultline_pages", "Alerts that arrived")
ALERTS = Counter("faultline_alerts", "Alerts that arrived, by name", ["alert"])

app = create_app("pager")
received: list[Received] = []
names: set[str] = set()


class Alert(BaseModel):
    """What is wrong, by a name that is always the same for the same thing, and for whom it is to read."""

    name: str = Field(min_length=1, max_length=160)
    text: str = Field("", max_length=1000)


class Received(Alert):
    """An alert with its arrival in Unix seconds."""

    at: float


@app.post("/alerts", status_code=202)
async def take(alert: Alert) -> Received:
    """Count it; beyond 20 names the rest are `other`, as each name is a series."""
    if len(names) < MOST_NAMES:
        names.add(alert.name)
    PAGES.inc()
    ALERTS.labels(alert.name if alert.name in names else OTHER).inc()
    taken = Received(**alert.model_dump(), at=time.time())
    received.append(taken)
    del received[:-100]
    return taken


@app.get("/alerts")
async def latest() -> list[Received]:
    """The last hundred."""
    return received
