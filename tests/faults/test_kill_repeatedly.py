"""kill_repeatedly: others each time."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faultline.faults.kill_repeatedly import KillRepeatedly


def test_one_kill_each_period() -> None:
    assert [on for on, _ in KillRepeatedly(service="web", every="5s").windows(12)] == [0, 5, 10]


def test_period_leaves_time_to_prepare() -> None:
    with pytest.raises(ValidationError, match="every must be at least 2s, got 1s"):
        KillRepeatedly(service="web", every="1s")


async def test_kills_another_pod_each_time(bench: Any) -> None:
    fault = KillRepeatedly(service="web")
    async with bench.on(fault) as target:  # which applies twice
        assert len(bench.cluster.pods) == 1
        assert await fault.felt(target) == pytest.approx(2 / 3)
