"""What holds for every fault: it is proven by its own probe, and docs/faults.md has it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from faultline.faults import FAULTS
from faultline.faults.__main__ import page
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan

EXAMPLES: dict[str, dict[str, Any]] = {
    "bandwidth": {"rate": 50},
    "flapping": {"period": "600ms", "state": "partition"},
    "latency": {"delay": "100ms"},
    "limit_data": {"size": 20000},
    "partition": {},
    "replies_lost": {},
    "reset": {},
    "slicer": {"size": 4096, "delay": "30ms"},
    "slow_close": {"delay": "200ms"},
}
NEEDS_ROOT = {"reset"}
PODS = {name for name, fault in FAULTS.items() if fault.family == "pod"}
"""In tests/e2e/test_pod_faults.py: there are no pods here."""
ELSEWHERE = {
    "blackhole": "tests/faults/test_blackhole.py, in a network of its own",
    "none": "has no effect to prove",
    **dict.fromkeys(
        ("abusive_client", "hot_key", "poison_message", "retry_storm", "surge"),
        "tests/faults/test_traffic.py, with a load generator",
    ),
    **dict.fromkeys(("clock_skew", "clock_step"), "tests/faults/test_clock.py, with services"),
}


def test_every_fault_is_tried() -> None:
    on_stores = {name for name, fault in FAULTS.items() if fault.family in ("postgres", "redis")}
    assert set(EXAMPLES) | set(ELSEWHERE) | PODS | on_stores == set(FAULTS)
    assert [name for name in PODS | on_stores if not (Path(__file__).parent / f"test_{name}.py").exists()] == []


@pytest.mark.calm
@pytest.mark.parametrize("type", sorted(EXAMPLES))
async def test_is_seen_to_come_and_to_go(lab: Lab, tools: Any, type: str) -> None:
    if type in NEEDS_ROOT and os.geteuid() != 0:
        pytest.skip("the kernel resets connections for root only")
    now = time.time()
    fault = {"name": "f", "type": type, "edge": "a->b", "start": now + 0.5, "end": now + 2.5, "params": EXAMPLES[type]}
    await lab.runner.load(Plan.model_validate({"run": "r", "lease_seconds": 30, "faults": [fault]}))
    await tools.until(lambda: lab.runner.statuses[0].reverted)
    [status] = await lab.runner.forget("r")
    assert status.error == ""
    assert status.observed
    assert status.cleared
    assert status.planned_start <= status.applied <= status.observed < status.reverted <= status.cleared
    assert status.depth
    assert status.depth > 0.02
    assert await tools.works(lab.edges["a->b"].config.loopback[1])


def test_page_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / "docs/faults.md").read_text()
    assert written == page(), "run `python -m faultline.faults`"
