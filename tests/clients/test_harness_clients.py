import pytest
from tests.controller.conftest import Harness, harness

from faultline.clients.http import Http, Refused, service_url
from faultline.clients.injector_api import Injector, PlannedFault
from faultline.clients.loadgen_api import LoadGenerator
from faultline.errors import Unreachable

__all__ = ["harness"]


def test_a_service_is_reached_by_its_dns_name(monkeypatch):
    monkeypatch.delenv("FAULTLINE_SERVICE_URL", raising=False)
    assert service_url("edges", "harness-shop", 8090) == "http://edges.harness-shop.svc.cluster.local:8090"


async def test_an_injector_without_a_plan_says_so_by_404(harness: Harness):
    harness.lease = 404
    async with Injector.of("shop", "token") as injector:
        assert await injector.renew("r") is False
        assert await injector.end_plan("r") == []


async def test_a_plan_goes_over_in_one_piece(harness: Harness):
    fault = PlannedFault(name="cut", type="partition", edge="a->b", start=1.0, end=2.0, params={"direction": "both"})
    async with Injector.of("shop", "token") as injector:
        await injector.put_plan("r", [fault], 3.0)
        assert (await injector.state()).run == "r"
    assert harness.bodies["PUT /plan"] == {
        "run": "r",
        "lease_seconds": 3.0,
        "faults": [fault.model_dump()],
    }


async def test_problems_come_with_503(harness: Harness):
    harness.problems = ["redis is away"]
    async with Injector.of("shop", "token") as injector:
        assert await injector.problems() == ["redis is away"]
        harness.problems = []
        assert await injector.problems() == []


async def test_an_answer_that_is_an_error_names_call_and_status(harness: Harness):
    harness.silent = {"POST /reset"}
    async with Injector.of("shop", "token") as injector:
        with pytest.raises(Refused, match=r"POST .*/edges-8090/reset answered 500: {\"error\": \"broken\"}"):
            await injector.reset()


async def test_nobody_there_names_the_call():
    async with Http("http://127.0.0.1:1") as client:
        with pytest.raises(Unreachable, match=r"GET http://127\.0\.0\.1:1/x failed"):
            await client.call("GET", "/x")


async def test_the_load_generator_answers_with_more_than_we_read(harness: Harness):
    async with LoadGenerator.of("shop", "token") as loadgen:
        await loadgen.start("r", 5.0)
        assert (await loadgen.state("r")).state == "done"
        assert await loadgen.history("r") == b"history"
        await loadgen.discard("r")
