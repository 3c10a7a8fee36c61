from __future__ import annotations

import asyncio

import httpx
import pytest
from prometheus_client import REGISTRY
from tests.conftest import until

from payments import main
from payments.provider import Busy, ChargeRequest, Provider

ORDER = {"order_id": "o-1", "amount": 1999}


@pytest.fixture
async def http(monkeypatch):
    monkeypatch.setattr(main, "provider", Provider(max_in_flight=2, work_seconds=0.02))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=main.app), base_url="http://payments") as client:
        yield client


@pytest.fixture
def attempts():
    """Attempts by outcome since the test began."""

    def read() -> dict[str, float]:
        labels = {"dependency": "payments"}
        name = "faultline_dependency_requests_total"
        return {each: REGISTRY.get_sample_value(name, labels | {"outcome": each}) for each in main.OUTCOMES}

    before = read()
    return lambda: {outcome: count - before[outcome] for outcome, count in read().items()}


async def test_a_charge_can_be_read_back(http, attempts):
    made = await http.post("/charges", json=ORDER)
    assert made.status_code == 201
    assert made.json() | ORDER == made.json()
    assert (await http.get(f"/charges/{made.json()['id']}")).json() == made.json()
    assert attempts() == {"ok": 1, "refused": 0, "invalid": 0}


async def test_an_unknown_charge_is_404(http):
    assert (await http.get("/charges/none")).status_code == 404


async def test_what_was_given_back_stands_no_more(http, attempts):
    first, second = [(await http.post("/charges", json=ORDER | {"idempotency_key": key})).json() for key in "ab"]
    for _ in range(2):
        given_back = await http.post(f"/charges/{first['id']}/refund")
        assert given_back.json() == first | {"refunded": True}
    assert (await http.get("/charges", params={"order_id": "o-1"})).json() == [second]
    assert (await http.get("/charges")).json() == [second]
    assert (await http.get("/charges", params={"order_id": "o-2"})).json() == []
    # The key is as used as ever: it charges nobody again.
    again = await http.post("/charges", json=ORDER | {"idempotency_key": "a"})
    assert again.json() == first | {"refunded": True}
    assert attempts() == {"ok": 3, "refused": 0, "invalid": 0}


async def test_an_unknown_charge_cannot_be_given_back(http):
    assert (await http.post("/charges/none/refund")).status_code == 404


class Held(Provider):
    """The card network answers once `go` is set."""

    def __init__(self, max_in_flight: int) -> None:
        super().__init__(max_in_flight, work_seconds=0)
        self.go = asyncio.Event()

    async def _make(self, request):
        await self.go.wait()
        return await super()._make(request)


async def test_beyond_its_capacity_it_refuses_and_counts(http, attempts, monkeypatch):
    held = Held(max_in_flight=2)
    monkeypatch.setattr(main, "provider", held)
    asked = [asyncio.create_task(http.post("/charges", json=ORDER)) for _ in range(5)]
    await until(lambda: sum(each.done() for each in asked) == 3)
    held.go.set()
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201, 201, 503, 503, 503]
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.json() == {"detail": "2 charges are in flight"}
    assert refused.headers["retry-after"] == "1"
    assert attempts() == {"ok": 2, "refused": 3, "invalid": 0}
    # The capacity is free again.
    assert (await http.post("/charges", json=ORDER)).status_code == 201


async def test_a_malformed_attempt_counts_too(http, attempts):
    assert (await http.post("/charges", json={"order_id": "o", "amount": 0})).status_code == 422
    assert attempts() == {"ok": 0, "refused": 0, "invalid": 1}


async def test_outcomes_are_there_before_the_first_attempt(http):
    text = (await http.get("/metrics")).text
    for outcome in ("ok", "refused", "invalid"):
        assert f'faultline_dependency_requests_total{{dependency="payments",outcome="{outcome}"}}' in text


async def test_the_same_key_gives_the_same_charge():
    provider = Provider(max_in_flight=10, work_seconds=0.01)
    request = ChargeRequest(**ORDER, idempotency_key="k")
    charges = await asyncio.gather(*(provider.charge(request) for _ in range(3)))
    charges.append(await provider.charge(request))
    assert len({charge.id for charge in charges}) == 1
    assert len(provider.charges) == 1


async def test_without_a_key_each_attempt_charges():
    provider = Provider(max_in_flight=10, work_seconds=0)
    for _ in range(2):
        await provider.charge(ChargeRequest(**ORDER))
    assert len(provider.charges) == 2


async def test_a_caller_that_goes_away_takes_no_one_along():
    provider = Provider(max_in_flight=10, work_seconds=0.05)
    request = ChargeRequest(**ORDER, idempotency_key="k")
    first, second = (asyncio.create_task(provider.charge(request)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).order_id == "o-1"
    assert len(provider.charges) == 1


async def test_a_caller_that_goes_away_frees_its_place():
    provider = Provider(max_in_flight=1, work_seconds=30)
    task = asyncio.create_task(provider.charge(ChargeRequest(**ORDER)))
    await asyncio.sleep(0)
    with pytest.raises(Busy, match="1 charges are in flight"):
        await provider.charge(ChargeRequest(**ORDER))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    again = asyncio.create_task(provider.charge(ChargeRequest(**ORDER)))
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
