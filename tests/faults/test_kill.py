"""kill: chosen pods are gone at once, the others stay."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faultline.faults.kill import Kill


async def test_kills_the_chosen_pods_once(bench: Any) -> None:
    fault = Kill(service="web", percent=50)
    async with bench.on(fault) as target:
        hit = target.state["pods"]
        assert len(hit) == 2
        assert set(bench.cluster.pods) == {"web-a", "web-b", "web-c"} - set(hit)
        assert sorted(bench.cluster.orders[:2]) == [(each, "kill") for each in hit]
        assert await fault.felt(target) == pytest.approx(2 / 3)


async def test_same_seed_same_pods(bench: Any) -> None:
    chosen = [await bench.target(seed=seed).take("web", 1, None) for seed in (7, 7, 8, 9, 10)]
    assert chosen[0] == chosen[1]
    assert len({each for pods in chosen for each in pods}) > 1


def test_pods_or_percent() -> None:
    with pytest.raises(ValidationError, match="must have pods or percent, not both, got 1 and 50"):
        Kill(service="web", pods=1, percent=50)
