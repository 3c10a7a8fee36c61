"""flapping: another state, on and off."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faultline.faults.flapping import Flapping
from faultline.injector.plan import PlannedFault


def test_windows_begin_with_on_and_end_with_the_fault() -> None:
    windows = Flapping(period="2s", duty=0.5).windows(4.5)
    assert windows == [(0, 1), (2, 3), (4, 4.5)]


def test_last_window_is_not_empty() -> None:
    assert Flapping(period="1s", duty=0.5).windows(2.0) == [(0, 0.5), (1, 1.5)]


def test_period_must_be_long_enough_to_carry_out() -> None:
    with pytest.raises(ValidationError, match="period must be at least 200ms, got 100ms"):
        Flapping(period="100ms")


async def test_is_its_state(port: int, on: Any, tools: Any) -> None:
    async with on(Flapping(state="latency", delay="150ms")):
        client = await tools.Client.open(port)
        assert (await client.ask())[1] >= 0.15
        client.close()
    await tools.until(lambda: tools.answers(port, 0.14))


def test_is_over_when_it_goes_for_the_last_time() -> None:
    fault = {"name": "on-and-off", "type": "flapping", "edge": "a->b", "params": {"period": "2s"}}
    status = PlannedFault.model_validate(fault | {"start": 100.0, "end": 106.0}).status()
    assert (status.planned_start, status.planned_end) == (100.0, 105.0)
