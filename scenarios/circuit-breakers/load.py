"""The shop's customers: most of them look around, one in five buys."""

from __future__ import annotations

import gevent

from loadgen import ArrivalUser, task

PRODUCTS = 5000
PAGES = 200
SETTLED_AFTER_SECONDS = 24.0


class Shopper(ArrivalUser):
    @task(45)
    def browse(self):
        self.call("browse", "GET", f"/products?page={self._popular(PAGES)}")

    @task(35)
    def product(self):
        self.call("product", "GET", f"/products/{self._popular(PRODUCTS)}")

    @task(20)
    def checkout(self):
        cart = f"cart-{self.random.getrandbits(64):016x}"
        order = {
            "id": cart,
            "email": f"customer{self.random.randrange(3000)}@example.com",
            "lines": [{"product_id": self._popular(PRODUCTS), "quantity": self.random.randint(1, 3)}],
        }
        answer = self.call("checkout", "POST", "/checkout", json=order, key=cart, ok=_accepted)
        if answer is None or not _accepted(answer):
            return
        if answer.status_code == 201:
            self.call("receipt", "GET", f"/orders/{cart}", key=cart, ok=_paid)
        # Whatever was promised, some time later the customer looks whether the order is paid.
        gevent.sleep(SETTLED_AFTER_SECONDS)
        self.call("settled", "GET", f"/orders/{cart}", key=cart, ok=_paid)

    def _popular(self, count):
        """1 to `count`; the low ones are asked for more often."""
        return 1 + int(count * self.random.random() ** 2)


def _accepted(response):
    """201: paid. 202: the shop has the order, and the payment follows."""
    return response.status_code in (201, 202)


def _paid(response):
    return response.status_code == 200 and response.json()["status"] == "paid"
