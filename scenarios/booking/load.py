"""Customers who want the best seats that are free: they look, choose, and send an order until there is an answer."""

from __future__ import annotations

from typing import ClassVar

import gevent

from loadgen import ArrivalUser, task

SHOWS = (1, 2, 3, 4)
PARTIES = (1, 1, 2, 2, 2, 3)
CHOOSE_FROM = 16
"""Nobody wants worse seats than the sixteenth best."""
THINK_SECONDS = (0.1, 0.5)
TRIES = 8
FIRST_PAUSE_SECONDS = 0.4
LONGEST_PAUSE_SECONDS = 2.0
IMPATIENT = 0.25
"""Share of customers who do not ask again when there is no good answer."""
FINAL_TRIES = 4


class Customer(ArrivalUser):
    open_pages: ClassVar[dict] = {}
    """The last map of each show that came: a page that is open shows it on when no new one comes."""
    orders: ClassVar[dict] = {}
    """The seats and the amount of each order that was sent."""

    @task(3)
    def look(self):
        self._map()

    @task(12)
    def buy(self):
        seats = self._map()
        if not seats or not seats["free"]:
            return
        gevent.sleep(self.random.uniform(*THINK_SECONDS))
        first, party = self.random.randrange(CHOOSE_FROM), self.random.choice(PARTIES)
        chosen = seats["free"][first : first + party] or seats["free"][:1]
        order = {"id": f"order-{self.random.getrandbits(48):012x}", "show": seats["show"], "seats": chosen}
        self.orders[order["id"]] = [_name(order["show"], seat) for seat in chosen], seats["price"] * len(chosen)
        impatient = self.random.random() < IMPATIENT
        answer = self._order(order, 1 if impatient else TRIES)
        if answer is not None or not impatient:
            self.call("outcome", "GET", f"/bookings/{order['id']}", ok=lambda response: _fits(answer, response))

    @classmethod
    def final_reads(cls, client, history):
        """What is on customers' cards and on the lists at the door, by order."""
        before = _list(client, "/statement")
        doors = [(show, _list(client, f"/shows/{show}/door")) for show in SHOWS]
        after = _list(client, "/statement")
        if before is None or after is None or any(door is None for _, door in doors):
            return  # what is not known is undecided
        charges, tickets = {}, {}
        for each in after:
            charges.setdefault(each["order_id"], []).append(each["amount"])
        for show, door in doors:
            for each in door:
                tickets.setdefault(each["booking"], []).append(_name(show, each["seat"]))
        for each in before:
            client.observe("paid", key=each["order_id"], value=cls.orders[each["order_id"]][1])
        for order, seats in tickets.items():
            client.observe("admitted", key=order, value=cls.orders[order][1])
            for seat in seats:
                client.observe("sold", key=order, value=seat)
        for order, (seats, amount) in cls.orders.items():
            whole = sorted(tickets.get(order, [])) == sorted(seats)
            client.observe("card", key=order, result=charges.get(order, []))
            client.observe("seats_at_door", key=order, result=amount if whole else None)

    def _map(self):
        show = self.random.choice(SHOWS)
        response = self.call("map", "GET", f"/shows/{show}/seats")
        if response is not None and response.status_code == 200:
            self.open_pages[show] = response.json()
        return self.open_pages.get(show)

    def _order(self, order, tries):
        """Send an order until there is an answer; gives that, or None."""
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(tries):
            if attempt:
                gevent.sleep(pause * self.random.uniform(0.8, 1.2))
                pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)
            response = self.call("book", "POST", "/bookings", json=order, key=order["id"],
                                 value=self.orders[order["id"]][1], ok=_booked)  # fmt: skip
            if response is not None and _booked(response):
                for seat in order["seats"]:
                    self.observe("sold", key=order["id"], value=_name(order["show"], seat))
            if response is not None and (_booked(response) or response.status_code == 409):
                return response
        return None


def _booked(response):
    return response.status_code in (200, 201)


def _fits(answer, response):
    """The customer was told, and what is written there is what was told."""
    if answer is None:
        return False
    there = response.status_code == 200 and bool(response.json().get("charge_id"))
    return there and response.json()["seats"] == answer.json()["seats"] if _booked(answer) else not there


def _list(client, path):
    for attempt in range(FINAL_TRIES):
        gevent.sleep(0.5 * attempt)
        response = client.call("list", "GET", path)
        if response is not None and response.status_code == 200:
            return response.json()
    return None


def _name(show, seat):
    return f"{show}/{seat}"
