"""The shop's customers, who mostly look at this week's offers, and the buyers, who change the offers' prices."""

from __future__ import annotations

import gevent

from loadgen import ArrivalUser, task

PRODUCTS = 300
OFFERS = 20
SEEN_AFTER_SECONDS = 1.0
FRESH_AFTER_SECONDS = 10.0


class Customer(ArrivalUser):
    weight = 94

    @task
    def look(self):
        among = OFFERS if self.random.random() < 0.97 else PRODUCTS
        product = self.random.randint(1, among)
        self.call("product", "GET", f"/products/{product}", key=str(product), ok=_whole)


class Buyer(ArrivalUser):
    """Sets a price, looks whether it is there, and again when even a bad moment is no excuse any more."""

    weight = 6

    @task
    def reprice(self):
        product = self.random.randint(1, OFFERS)
        price = {"price_cents": self.random.randint(490, 20_000)}
        path = f"/products/{product}/price"
        answer = self.call("reprice", "PUT", path, json=price, key=str(product), result=_revision)
        if answer is None or answer.status_code != 200:
            return
        # Others may change it again; a price that is older than this one is not to be seen any more.
        page, written = f"/products/{product}", _revision(answer)
        gevent.sleep(SEEN_AFTER_SECONDS)
        self.call("seen", "GET", page, key=str(product), value=written, ok=_since(written), result=_revision)
        gevent.sleep(FRESH_AFTER_SECONDS - SEEN_AFTER_SECONDS)
        self.call("fresh", "GET", page, key=str(product), value=written, ok=_since(written), result=_revision)


def _whole(page):
    """A page with all its parts, those that cost something among them."""
    content = page.json()
    return page.status_code == 200 and content["reviews"] > 0 and len(content["also_bought"]) == 4


def _revision(answer):
    return answer.json()["revision"] if answer.status_code == 200 else 0


def _since(written):
    """Whether a page shows the price of this revision or of a later one."""
    return lambda page: _revision(page) >= written
