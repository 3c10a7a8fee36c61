"""People who hand in entries, and look some seconds later whether they are booked."""

from __future__ import annotations

from datetime import datetime

import gevent

from loadgen import ArrivalUser, task

BOOKED_AFTER_SECONDS = 8.0
FINAL_TRIES = 4


class Clerk(ArrivalUser):
    @task
    def hand_in(self):
        entry = {"id": f"entry-{self.random.getrandbits(48):012x}", "amount": self.random.randint(100, 99999)}
        answer = self.call(
            "entry", "POST", "/entries", json=entry, key=entry["id"], value=entry["amount"], ok=_accepted
        )
        if answer is not None and _accepted(answer):
            gevent.sleep(BOOKED_AFTER_SECONDS)
            self.call("look", "GET", f"/entries/{entry['id']}", ok=_booked)

    @classmethod
    def final_reads(cls, client, history):
        """The whole journal in the order in which it was written: who wrote what in which term."""
        journal = _journal(client)
        if journal is None:
            return  # what is not known is undecided
        handed_in = {each["key"]: [] for each in history if each["op"] == "entry"}
        led = set()
        for line in journal:
            keeper, term, entry = line["keeper"], line["term"], line["entry"]
            if (keeper, term) not in led:
                led.add((keeper, term))
                client.observe("term", key="journal", token=term, session=keeper)
            at = datetime.fromisoformat(line["booked_at"]).strftime("%H:%M:%S.%f")[:-3]
            client.observe("line", key="journal", token=term, session=keeper, value=f"number {line['number']} at {at}")
            client.observe("number", key=entry, value=line["number"])
            handed_in.setdefault(entry, []).append(line["amount"])
        for entry, amounts in handed_in.items():
            client.observe("booked", key=entry, result=amounts)
        last = max(journal, key=lambda line: line["number"], default={"balance": 0})
        client.observe("sum", result=[last["balance"], -sum(line["amount"] for line in journal)])


def _accepted(response):
    return response.status_code in (200, 201, 202)


def _booked(response):
    return response.status_code == 200 and len(response.json()) > 0


def _journal(client):
    for attempt in range(FINAL_TRIES):
        gevent.sleep(0.5 * attempt)
        response = client.call("journal", "GET", "/journal")
        if response is not None and response.status_code == 200:
            return response.json()
    return None
