"""Customers who look at products; one in three compares the price with that of the moment."""

from __future__ import annotations

import time

from loadgen import ArrivalUser, task

PRODUCTS = 20
PRICE_SECONDS = 5


class Customer(ArrivalUser):
    @task(2)
    def page(self):
        self.call("page", "GET", self._product(), ok=_shown)

    @task(1)
    def price(self):
        product = self._product()
        self.call("price", "GET", product, ok=lambda response: _shown(response) and _is_current(response))

    def _product(self):
        return f"/products/{1 + self.random.randrange(PRODUCTS)}"


def _shown(response):
    return response.status_code == 200 and response.json()["price"] > 0


def _is_current(response):
    """Whether it is the price of now, or of five seconds ago for a page that was under way when it changed."""
    page = response.json()
    now = int(time.time() // PRICE_SECONDS)
    return page["price"] in {100 + (page["id"] * 37 + step * 13) % 900 for step in (now - 1, now)}
