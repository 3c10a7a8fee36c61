"""Two made-up runs of the shape that real ones have: a flawed app that fails, a solution that passes."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from faultline.grading.series import RunSeries
from faultline.report import RunRecord
from faultline.report.events import Event

MARK = 1_800_000_000.0
PHASES = [("baseline", 0, 12), ("fault", 12, 42), ("recovery", 42, 57), ("drain", 57, 61)]
SERVICES = ("gateway", "catalogue", "checkout", "payments", "postgres", "redis")


def _series(name: str, good: bool) -> RunSeries:
    noise = random.Random(name)  # noqa: S311 - made-up data
    seconds = [float(at) for at in range(-2, 62)]

    def on(at: float) -> bool:
        return 0 <= at < 57

    def hurt(at: float) -> bool:
        return 15 <= at < (46 if not good else 17)

    offered = [noise.gauss(120, 6) if on(at) else 0.0 for at in seconds]
    bad = [(0.62 if not good else 0.12) if hurt(at) and on(at) else 0.003 for at in seconds]
    unknown = [0.7 * share * rate if not good else 0.0 for share, rate in zip(bad, offered, strict=True)]
    failed = [share * rate - lost for share, rate, lost in zip(bad, offered, unknown, strict=True)]
    ok = [rate - a - b for rate, a, b in zip(offered, unknown, failed, strict=True)]
    p95 = [2.6 + 0.3 * math.sin(at) if hurt(at) and not good else 0.09 + 0.02 * noise.random() for at in seconds]
    body = [
        (
            "load",
            "Requests by outcome",
            "requests/s",
            {"offered": offered, "ok": ok, "failed": failed, "unknown": unknown},
        ),
        ("latency", "Latency of answered requests", "s", {"p50": [each / 6 for each in p95], "p95": p95}),
        (
            "edges",
            "Connections opened on each edge",
            "connections/s",
            {"checkout->payments": [60.0 if hurt(at) and not good else 3.0 for at in seconds], "client->gateway": ok},
        ),
        (
            "cpu",
            "CPU of the lab's pods",
            "cores",
            {
                each: [(0.02 + 0.04 * place) * (1 + noise.random() / 3) for _ in seconds]
                for place, each in enumerate(SERVICES)
            },
        ),
    ]
    return RunSeries.model_validate(
        {
            "run": name,
            "mark": MARK,
            "seconds": seconds,
            "spans": [
                *({"kind": "phase", "name": each, "start": start, "end": end} for each, start, end in PHASES),
                {"kind": "fault", "name": "slow", "start": 15.0, "end": 28.0, "detail": "latency checkout->payments"},
                {"kind": "fault", "name": "cut", "start": 30.0, "end": 41.0, "detail": "partition checkout->payments"},
            ],
            "charts": [
                {
                    "name": each,
                    "title": title,
                    "unit": unit,
                    "lines": [{"label": label, "values": values} for label, values in lines.items()],
                }
                for each, title, unit, lines in body
            ],
        }
    )


def _objective(
    name: str, measure: str, unit: str, value: float | None, target: float, worst: float, **more: Any
) -> Any:
    ratio = 0.0 if value is None else min(1.0, max(0.0, (value - worst) / (target - worst)))
    weight = more.pop("weight", 20)
    return {
        "name": name,
        "measure": measure,
        "unit": unit,
        "query": more.pop("query", f'sum(faultline_load_requests_total{{run="x",phase=~"fault|recovery"}}) / {weight}'),
        "window": more.pop("window", "fault, recovery"),
        "value": value,
        "target": target,
        "worst": worst,
        "weight": weight,
        "points": ratio * weight,
        "met": ratio == 1,
        **more,
    }


def make(name: str = "circuit-breakers-1", good: bool = False, **status: Any) -> RunRecord:
    """A run; `status` overrides fields of its status."""
    values = (0.996, 0.11, 0.0, 1.02) if good else (0.581, 2.83, 15.0, 6.4)
    objectives = [
        _objective(
            "the rest of the site stays up", "availability", "ratio", values[0], 0.99, 0.9, weight=40, required=True,
            reason="A failing dependency may take its own feature down, never the others: contain it with a bulkhead.",
        ),
        _objective(
            "browsing stays quick", "latency_quantile", "s", values[1], 0.4, 1.6, weight=20,
            reason="A caller that waits for what will not come holds threads and connections: bound every wait.",
        ),
        _objective("well again soon", "time_to_recover", "s", values[2], 5, 15, window="after the faults",
                   reason="Stop hammering a dependency and it recovers; try it carefully before trusting it again."),
        _objective("retries are bounded", "retry_amplification", "attempts/operation", values[3], 1.2, 3.0,
                   reason="Nested retries multiply: retry in one place, with a budget."),
    ]  # fmt: skip
    faults = [
        {"name": "slow", "type": "latency", "edge": "checkout->payments", "plannedStart": MARK + 15,
         "plannedEnd": MARK + 28, "applied": MARK + 15.004, "observed": MARK + 15.12, "reverted": MARK + 28.006,
         "cleared": MARK + 28.09},
        {"name": "cut", "type": "partition", "edge": "checkout->payments", "plannedStart": MARK + 30,
         "plannedEnd": MARK + 41, "applied": MARK + 30.002, "reverted": MARK + 41.011},
    ]  # fmt: skip
    body: dict[str, Any] = {
        "phase": "Done",
        "started": MARK - 10,
        "ended": MARK + 66,
        "mark": MARK,
        "phases": [
            {"name": name.capitalize(), "start": MARK + start, "end": MARK + end} for name, start, end in PHASES
        ],
        "code": {"digest": "4be1c0ffee12", "variant": "solution" if good else "flawed"},
        "faults": faults,
        "objectives": objectives,
        "summary": {
            "successRate": 0.9963 if good else 0.664,
            "p50": 0.012 if good else 0.31,
            "p95": 0.094 if good else 2.83,
            "p99": 0.21 if good else 2.98,
            "requestsPerSecond": 119.3 if good else 79.8,
            "recoverySeconds": 0.0 if good else 15.0,
        },
        "canaryScale": 1.1,
        "score": 100 if good else 17,
        "verdict": "pass" if good else "fail",
        "reasons": [] if good else ["required objective 'the rest of the site stays up' is missed: 79 at most"],
    }
    return RunRecord.model_validate(
        {
            "name": name,
            "title": "Circuit breakers",
            "spec": {"scenario": "circuit-breakers"},
            "status": body | status,
            "series": _series(name, good),
        }
    )


def line(at: float, **more: Any) -> dict[str, Any]:
    """A line of a history: a request that is answered after 10 ms, unless `more` says otherwise. `at` is after MARK."""
    found = {"i": 0, "call": 0, "op": "browse", "key": None, "value": None, "phase": "fault", "intended": MARK + at,
             "sent": MARK + at, "outcome": "ok", "status": 200, "latency": 0.01} | more  # fmt: skip
    return {"end": found["intended"] + found["latency"]} | found


def history(good: bool) -> list[dict[str, Any]]:
    """Twenty requests a second; of a bad run purchases get no answer while a fault is on, and pages are slow."""
    lines = []
    for name, start, end in PHASES[:3]:
        for place in range(20 * start, 20 * end):
            at, buys = place / 20, place % 5 == 0
            hurt = not good and (15 <= at < 28 or 30 <= at < 41)
            lost = {"outcome": "unknown", "status": None, "latency": 2.5} if hurt and buys else {}
            slow = {"latency": 0.4 + at % 3 / 2} if hurt and not buys else {}
            lines.append(line(at, phase=name, op="buy" if buys else "browse", **lost, **slow))
    return lines


def write_history(folder: Path, lines: Iterable[Any]) -> Path:
    """As the load generator does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "history.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(each) + "\n" for each in lines)
    return path


EVENTS = [
    Event(at=MARK + 16, until=MARK + 27, who="checkout-0", what="callers waited for the pool postgres"),
    Event(at=MARK + 19, who="pager-0", what="the alert CheckoutsFail was raised"),
]


@pytest.fixture
def record() -> Any:
    return make


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """`make`, with the run's history on disk, and what Prometheus told of its app."""

    def make_kept(name: str = "circuit-breakers-1", good: bool = False, **status: Any) -> RunRecord:
        write_history(tmp_path / name, history(good))
        events = [] if good else EVENTS
        return make(name, good, **status).model_copy(update={"folder": tmp_path / name, "events": events})

    return make_kept
