"""node_loss: an order for the helper on the host, who answers in it; a node that runs the harness is never chosen."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from faultline.clients.kube import path
from faultline.errors import NotReady
from faultline.faults.node_loss import NodeLoss
from faultline.injector.targets import pod as targets

ORDER = path("ConfigMap", "node-loss-f", "harness-x")


async def helper(cluster: Any, tools: Any, **answers: Any) -> None:
    """Answers an order as the one on the host does."""
    await tools.until(lambda: ORDER in cluster.objects)
    for key, value in answers.items():
        cluster.objects[ORDER]["data"][key] = str(value)
        await asyncio.sleep(0.05)


async def test_waits_for_the_helpers_word(bench: Any, tools: Any) -> None:
    now = time.time()
    work = asyncio.create_task(helper(bench.cluster, tools, seen=now, killed=now + 0.5))
    fault = NodeLoss(service="web")
    target = bench.target()
    await fault.apply(target)
    await work
    assert target.state["node"] == "node-1"
    assert target.done == now + 0.5
    data = bench.cluster.objects[ORDER]["data"]
    assert (data["node"], float(data["end"])) == ("node-1", target._end)
    back = asyncio.create_task(helper(bench.cluster, tools, started=now + 1))
    await fault.revert(target)
    await fault.revert(target)
    await back
    assert ORDER not in bench.cluster.objects
    await target.close()


async def test_on_one_node_it_is_refused(bench: Any) -> None:
    for each in bench.cluster.pods.values():
        each["spec"]["nodeName"] = "node-0"
    with pytest.raises(NotReady, match="FL324: no node but node-0, which runs the harness, has pods of web"):
        await NodeLoss(service="web").apply(bench.target())


@pytest.mark.parametrize(
    ("answers", "text"), [({}, "no helper on the host said that node-1 was seen"), ({"refused": "no"}, "refuses: no")]
)
async def test_without_a_helper_it_is_an_error(
    bench: Any, tools: Any, monkeypatch: Any, answers: Any, text: str
) -> None:
    monkeypatch.setattr(targets, "HELPER_SECONDS", 0.3)
    work = asyncio.create_task(helper(bench.cluster, tools, **answers))
    target = bench.target()
    with pytest.raises(NotReady, match=f"FL325: .*{text}"):
        await NodeLoss(service="web").apply(target)
    await work
    await NodeLoss(service="web").revert(target)
    assert ORDER not in bench.cluster.objects


async def test_order_of_a_lost_injector_is_taken_back(bench: Any) -> None:
    bench.cluster.create(ORDER.rsplit("/", 1)[0], {"metadata": {"name": "node-loss-f"}, "data": {}})
    await bench.pods.restore({"r/f"})
    assert ORDER in bench.cluster.objects
    await bench.pods.restore(())
    assert ORDER not in bench.cluster.objects
