"""Drivers: each reports a ride at its end, and looks some seconds later whether it was charged."""

from __future__ import annotations

import gevent

from loadgen import ArrivalUser, task

CHARGED_AFTER_SECONDS = 8.0


class Driver(ArrivalUser):
    @task
    def end(self):
        ride = {"id": self._id(), "fare": self.random.randint(400, 6000)}
        answer = self.call("ride", "POST", "/rides", json=ride, key=ride["id"], value=ride["fare"], ok=_accepted)
        if answer is not None and _accepted(answer):
            gevent.sleep(CHARGED_AFTER_SECONDS)
            self.call("settled", "GET", f"/rides/{ride['id']}/charges", ok=_charged)

    def poison(self):
        """A voucher paid for the whole ride; the provider refuses a charge of nothing."""
        voucher = self._id()
        self.call("voucher", "POST", "/rides", json={"id": voucher, "fare": 0}, key=voucher, value=0)

    @classmethod
    def final_reads(cls, client, history):
        client.read_back("charged", history, writes=["ride"], path=lambda ride: f"/rides/{ride}/charges",
                         result=lambda response: [each["fare"] for each in response.json()])  # fmt: skip

    def _id(self):
        return f"ride-{self.random.getrandbits(48):012x}"


def _accepted(response):
    return response.status_code in (200, 201, 202)


def _charged(response):
    return response.status_code == 200 and len(response.json()) > 0
