"""Terminals in shops: each charges a sale, and sends it again with the same key until it gets an answer."""

from __future__ import annotations

import gevent

from loadgen import ArrivalUser, task

ACCOUNTS = 200
TRIES = 8
FIRST_PAUSE_SECONDS = 0.3
LONGEST_PAUSE_SECONDS = 2.0
AGAIN_AFTER_SECONDS = (1.0, 8.0)
COPY_AFTER_SECONDS = (0.2, 2.0)
NEXT_DAY_AFTER_SECONDS = 26.0
"""A key is kept for 20 s, which is what a day is here."""


class Terminal(ArrivalUser):
    @task(68)
    def sale(self):
        self._sell(self._receipt(), self._sale())

    @task(8)
    def pressed_twice(self):
        """The cashier is not sure and charges the same sale once more."""
        receipt, sale = self._receipt(), self._sale()
        first = self._sell(receipt, sale)
        if first is None:
            return
        gevent.sleep(self.random.uniform(*AGAIN_AFTER_SECONDS))
        self.call("again", "POST", "/charges", json=sale, headers=receipt, key=sale["reference"], value=sale["amount"],
                  ok=lambda response: _charged(response) and response.json() == first, result=_id)  # fmt: skip

    @task(10)
    def copied_terminal(self):
        """A second terminal was set up as a copy of the first one, so it counts its receipts as the first does."""
        receipt = self._receipt()
        if self._sell(receipt, self._sale()) is None:
            return
        gevent.sleep(self.random.uniform(*COPY_AFTER_SECONDS))
        other = self._sale()
        self.call("copy", "POST", "/charges", json=other, headers=receipt, key=other["reference"],
                  value=other["amount"], ok=_refused)  # fmt: skip

    @task(14)
    def next_day(self):
        """Terminals count their receipts from 1 each day, so yesterday's key comes again with a new sale."""
        receipt = self._receipt()
        if self._sell(receipt, self._sale()) is None:
            return
        gevent.sleep(NEXT_DAY_AFTER_SECONDS)
        self._sell(receipt, self._sale(), tomorrow=True)

    @classmethod
    def final_reads(cls, client, history):
        client.call("books", "GET", "/books", result=lambda response: response.json())
        client.read_back("charged", history, writes=["charge", "retry", "again", "copy", "tomorrow"],
                         path=lambda reference: f"/charges?reference={reference}",
                         result=lambda response: [each["amount"] for each in response.json()])  # fmt: skip

    def _receipt(self):
        return {"Idempotency-Key": f"terminal-{self.random.randrange(400)}/{self.random.getrandbits(40):010x}"}

    def _sale(self):
        return {
            "reference": f"sale-{self.random.getrandbits(48):012x}",
            "account": self.random.randint(1, ACCOUNTS),
            "amount": self.random.randint(100, 9999),
        }

    def _sell(self, receipt, sale, tomorrow=False):
        """Charge a sale, and look at its receipt; gives the answer, or None when there was none in the end."""
        say = {"method": "POST", "path": "/charges", "json": sale, "headers": receipt, "key": sale["reference"],
               "value": sale["amount"], "ok": _charged, "result": _id}  # fmt: skip
        pause, answer = FIRST_PAUSE_SECONDS, None
        for attempt in range(TRIES):
            if attempt:
                gevent.sleep(pause * self.random.uniform(0.8, 1.2))
                pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)
            if attempt:
                response = self.call("retry", **say)
            elif tomorrow:
                response = self.call("tomorrow", **say)
            else:
                response = self.call("charge", **say)
            if response is not None and _charged(response):
                answer = response.json()
                break

        def shown(response):
            """The customer has an answer, and the receipt shows the charge that it names."""
            return answer is not None and answer in response.json()

        self.call("receipt", "GET", f"/charges?reference={sale['reference']}", ok=shown)
        return answer


def _charged(response):
    return response.status_code in (200, 201)


def _refused(response):
    return response.status_code in (400, 409, 422)


def _id(response):
    return response.json()["id"]
