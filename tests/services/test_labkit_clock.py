"""The lab's clock: shifted over HTTP, and right again by itself."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from labkit import clock, create_app


class Machine:
    """The clocks of a machine, which tests move."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return 1_800_000_000.0 + self.ahead

    def monotonic(self) -> float:
        return 5000.0 + self.ahead


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    found = Machine()
    monkeypatch.setattr(clock, "time", found)
    monkeypatch.setattr(clock, "_shifts", {})
    return found


def shift(**changes: object) -> None:
    clock.shift(clock.Shift.model_validate({"name": "f", "seconds": 3, **changes}))


def test_without_a_shift_it_is_the_machine_s(machine):
    assert clock.now() == machine.time()
    assert clock.today().timestamp() == machine.time()


@pytest.mark.parametrize("offset", [-45.0, 30.0])
def test_a_step_holds_as_long_as_it_is_renewed(machine, offset):
    for _ in range(3):
        shift(offset=offset)
        machine.ahead += 2
        assert clock.now() == machine.time() + offset
    machine.ahead += 1
    assert clock.now() == machine.time()


def test_a_fast_clock_gains_all_the_while_and_renewing_it_is_no_step(machine):
    shift(rate=1.5)
    machine.ahead = 2
    assert clock.offset() == 1
    shift(rate=1.5, elapsed=2.03)
    assert clock.offset() == 1
    machine.ahead = 4
    assert clock.offset() == 2


def test_a_process_that_is_new_takes_up_the_shift_where_it_is(machine):
    shift(rate=0.5, elapsed=10)
    assert clock.offset() == -5


def test_shifts_add_up_and_end_one_by_one(machine):
    shift(offset=10)
    shift(name="g", offset=-4)
    assert clock.offset() == 6
    clock.unshift("f")
    clock.unshift("f")
    assert clock.offset() == -4


async def test_over_http(machine):
    app = create_app("shop")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop") as client:
        body = {"name": "f", "offset": 100, "seconds": 5}
        shifted = {"now": machine.time() + 100}
        assert (await client.put("/faultline/clock", json=body)).json() == shifted
        assert (await client.get("/faultline/clock")).json() == shifted
        assert (await client.put("/faultline/clock", json=body | {"seconds": 60})).status_code == 422
        assert (await client.delete("/faultline/clock/f")).status_code == 200
        assert (await client.get("/faultline/clock")).json() == {"now": machine.time()}
