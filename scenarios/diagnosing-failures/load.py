"""The shop's customers on a Monday morning: lists, and from there to a product's page."""

from __future__ import annotations

from loadgen import ArrivalUser, task

PRODUCTS = 6000
CATEGORIES = ("kitchen", "light", "seating", "storage", "bedroom", "garden", "office")


class Customer(ArrivalUser):
    @task(75)
    def page(self):
        product = 1 + int(PRODUCTS * self.random.random() ** 2)
        self.call("page", "GET", f"/products/{product}", ok=lambda answer: _is_page_of(answer, product))

    @task(25)
    def list(self):
        self.call("list", "GET", f"/products?category={self.random.choice(CATEGORIES)}", ok=_is_list)


def _is_page_of(response, product):
    if response.status_code != 200:
        return False
    page = response.json()
    return page["id"] == product and page["reviews"] >= len(page["newest_reviews"]) > 0


def _is_list(response):
    return response.status_code == 200 and len(response.json()) == 20
