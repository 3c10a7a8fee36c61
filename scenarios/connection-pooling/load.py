"""The shop's customers: most look at products, some order, a few look at their order."""

from __future__ import annotations

from loadgen import ArrivalUser, task

PRODUCTS = 5000


class Customer(ArrivalUser):
    @task(70)
    def page(self):
        self.call("page", "GET", f"/products/{self._popular()}")

    @task(30)
    def order(self):
        order = f"order-{self.random.getrandbits(64):016x}"
        cart = {"id": order, "product_id": self._popular(), "quantity": self.random.randint(1, 3)}
        answer = self.call("order", "POST", "/orders", json=cart, key=order, ok=_created)
        if answer is not None and _created(answer) and self.random.random() < 0.2:
            self.call("look", "GET", f"/orders/{order}", key=order)

    def _popular(self):
        """A product; the first ones are asked for more often."""
        return 1 + int(PRODUCTS * self.random.random() ** 2)


def _created(response):
    return response.status_code == 201
