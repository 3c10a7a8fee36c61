"""Faults on clocks: a real injector shifts the time of real services; only where the pods are is made up."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from tests.services.conftest import serving

from faultline.faults import FAULTS
from faultline.injector.config import Config
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan
from faultline.injector.targets.base import HOLD_SECONDS
from faultline.injector.targets.clock import ClockTarget
from faultline.injector.targets.pod import Pods

APP = """
from labkit import clock, create_app

app = create_app("shop")

@app.get("/now")
async def now():
    return {"now": clock.now()}
"""


@pytest.fixture
def config(config: Config) -> Config:
    return config.model_copy(update={"services": "shop"})


@pytest.fixture(scope="module")
def two_pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, Any]]]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(APP)
    with serving("shop:app", folder, {}) as one, serving("shop:app", folder, {}) as other:
        yield [one, other]


@pytest.fixture
async def pods(two_pods: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Two pods of the service `shop`, their clocks right: base URL and process."""
    for url, _ in (found := two_pods):
        assert await ahead(url) == pytest.approx(0, abs=0.5)

    async def choose(self: ClockTarget, service: str, count: int | None, percent: float | None) -> dict[str, str]:
        wanted = 2 if percent == 100 else 1
        return {f"{service}-{n}": url.removeprefix("http://") for n, (url, _) in enumerate(found[:wanted])}

    monkeypatch.setattr(ClockTarget, "choose", choose)
    return found


async def ahead(url: str) -> float:
    """By how much the app itself sees its clock ahead. An answer that took long does not tell when it was true."""
    async with httpx.AsyncClient(verify=False) as client:  # noqa: S501 (plain HTTP: certificates are slow to load)
        while True:
            asked = time.time()
            found = float((await client.get(f"{url}/now")).json()["now"])
            if time.time() - asked < 0.4:
                return found - time.time()


def plan(kind: str, seconds: float = 4.0, lease: float = 30, **params: Any) -> Plan:
    now = time.time()
    fault = {"name": "f", "type": kind, "start": now + 1.2, "end": now + 1.2 + seconds}
    return Plan.model_validate(
        {"run": "r", "lease_seconds": lease, "faults": [fault | {"params": {"service": "shop"} | params}]}
    )


@pytest.mark.parametrize(
    ("kind", "params", "least", "most"),
    [
        ("clock_step", {"by": "90s"}, -90.5, -89.5),
        ("clock_step", {"by": "2m", "direction": "forward"}, 119.5, 120.5),
        ("clock_skew", {"rate": 3}, 0.05, 8.5),
        ("clock_skew", {"rate": 0}, -4.5, -0.05),
    ],
)
async def test_is_felt_while_it_lasts_and_gone_afterwards(
    lab: Lab,
    tools: Any,
    pods: list[tuple[str, Any]],
    kind: str,
    params: dict[str, Any],
    least: float,
    most: float,
) -> None:
    await lab.runner.load(plan(kind, **params))
    assert await ahead(pods[0][0]) == pytest.approx(0, abs=0.5)
    await tools.until(lambda: lab.runner.statuses[0].observed)
    for url, _ in pods:
        assert least <= await ahead(url) <= most
    await tools.until(lambda: lab.runner.statuses[0].cleared)
    [status] = await lab.runner.forget("r")
    assert status.error == ""
    assert status.target == "shop-0, shop-1"
    assert status.planned_start <= status.applied <= status.observed < status.planned_end
    assert status.planned_end <= status.reverted <= status.cleared
    assert status.depth
    for url, _ in pods:
        assert await ahead(url) == pytest.approx(0, abs=0.5)


async def test_one_pod_and_not_the_other(lab: Lab, tools: Any, pods: list[tuple[str, Any]]) -> None:
    await lab.runner.load(plan("clock_step", by="90s", pods=1))
    await tools.until(lambda: lab.runner.statuses[0].observed)
    assert await ahead(pods[0][0]) == pytest.approx(-90, abs=0.5)
    assert await ahead(pods[1][0]) == pytest.approx(0, abs=0.5)
    await lab.runner.stop()
    assert await ahead(pods[0][0]) == pytest.approx(0, abs=0.5)


async def test_right_again_by_itself_when_the_injector_is_gone(
    lab: Lab, tools: Any, pods: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await lab.runner.load(plan("clock_step", seconds=60, by="90s"))
    await tools.until(lambda: lab.runner.statuses[0].observed)

    async def gone(*_: Any) -> Any:
        raise OSError("the injector is dead")

    monkeypatch.setattr(ClockTarget, "_call", gone)
    await asyncio.sleep(HOLD_SECONDS + 1)
    assert await ahead(pods[0][0]) == pytest.approx(0, abs=0.5)


async def test_stopped_pod_does_not_hold_up_the_end(lab: Lab, tools: Any, pods: list[tuple[str, Any]]) -> None:
    await lab.runner.load(plan("clock_step", by="90s"))
    await tools.until(lambda: lab.runner.statuses[0].observed)
    pods[0][1].send_signal(signal.SIGSTOP)
    try:
        await tools.until(lambda: lab.runner.statuses[0].reverted)
    finally:
        pods[0][1].send_signal(signal.SIGCONT)
    assert await ahead(pods[0][0]) == pytest.approx(0, abs=0.5)


async def test_without_pods_the_run_hears_of_it(lab: Lab, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(self: Pods, service: str) -> list[Any]:
        return []

    monkeypatch.setattr(Pods, "running", none)
    await lab.runner.load(plan("clock_step", by="90s"))
    await tools.until(lambda: lab.runner.statuses[0].error)
    assert "no pod of shop runs" in lab.runner.statuses[0].error


@pytest.mark.parametrize(
    ("kind", "params", "problem"),
    [
        (
            "clock_skew",
            {"service": "a", "rate": 1.01},
            "must differ from 1 by 0.05 or more, or nobody can tell, got 1.01",
        ),
        ("clock_step", {"service": "a", "by": "0s"}, "must be above 0"),
        ("clock_step", {"service": "a", "by": "1s", "pods": 1, "percent": 50}, "must have pods or percent, not both"),
    ],
)
def test_parameters_that_mean_nothing(kind: str, params: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        FAULTS[kind].model_validate(params)


def test_seconds_and_rate() -> None:
    def shift(kind: str, **params: Any) -> Any:
        fault: Any = FAULTS[kind].model_validate({"service": "a", **params})
        return fault.shift()

    assert shift("clock_step", by="1500ms") == (-1.5, 1.0)
    assert shift("clock_step", by="30s", direction="forward") == (30.0, 1.0)
    assert shift("clock_skew", rate=1.2) == (0.0, 1.2)
