"""`ArrivalUser`: what a scenario's load.py derives its users from. Importing this patches the process (Locust).

from loadgen import ArrivalUser, task

class Shopper(ArrivalUser):
    weight = 3

    @task(4)
    def browse(self):
        self.call("browse", "GET", f"/products/{self.random.randrange(100)}")

    @task
    def buy(self):
        order = f"o-{self.random.getrandbits(64):016x}"
        self.call("buy", "POST", "/orders", json={"id": order}, key=order, value=1, ok=lambda r: r.status_code == 201)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from locust import FastHttpUser


class ArrivalUser(FastHttpUser):  # type: ignore[misc]  # Locust ships no types
    """Runs one task per arrival. `weight` shares out the arrivals among classes, `@task` weights among their tasks."""

    abstract = True
    random: random.Random
    """Seeded for each arrival: what a task draws must come from here, so that the same seed gives the same requests."""

    def call(
        self,
        op: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        value: Any = None,
        ok: Callable[[Any], bool] | None = None,
    ) -> Any:
        """Send one request, record it in the history as `op`, and give the response, or None when none came."""
        raise NotImplementedError("set by the dispatcher, which is not there yet")
