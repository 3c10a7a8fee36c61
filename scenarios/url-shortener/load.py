"""Nine in ten open a link, one in ten makes one, which two open soon after."""

from __future__ import annotations

import gevent
from gevent.event import Event

from loadgen import ArrivalUser, task

LINKS = 120_000
POPULAR = 40
HOT = 7
"""The number of the link that goes viral."""
CUSTOMERS = 2_000
OPENED_AFTER_SECONDS = (0.2, 0.8)
READERS = 2
"""Of each new link at once, one after the other: with one alone, a pod's death in the wrong moment is 4% of them."""
NEWSROOMS = 3
LONGEST_WAIT_SECONDS = 2.0
"""Short enough that the last new link is opened two seconds before clicks are looked at."""


class Visitor(ArrivalUser):
    weight = 90

    @task(56)
    def popular(self):
        number = self.key(self.random.randint(1, POPULAR), HOT)
        self.call("redirect", "GET", f"/{_code(number)}", key=_code(number), ok=_leads_to(_target(number)))

    @task(40)
    def old(self):
        """One of the many that hardly anybody opens any more; its clicks are not looked at."""
        number = self.random.randint(POPULAR + 1, LINKS)
        self.call("redirect", "GET", f"/{_code(number)}", ok=_leads_to(_target(number)))

    @task(4)
    def mistyped(self):
        self.call("missing", "GET", f"/{self.random.getrandbits(32):08x}x", ok=lambda answer: answer.status_code == 404)

    @classmethod
    def final_reads(cls, client, history):
        client.read_back("clicks", history, writes=["redirect", "fresh"], path=lambda code: f"/links/{code}",
                         result=lambda answer: answer.json()["clicks"])  # fmt: skip


class Story:
    """An article of the agency: those who wait for it get it in the same moment."""

    def __init__(self, number):
        self.number, self.waiting, self.out = number, 0, Event()


class Customer(ArrivalUser):
    weight = 10
    story = Story(1)

    @task(7)
    def newsroom(self):
        """Several newsrooms make a link to the same article, each of its own, as soon as it is out."""
        story = Customer.story
        story.waiting += 1
        if story.waiting == NEWSROOMS:
            Customer.story = Story(story.number + 1)
            story.out.set()
        story.out.wait(LONGEST_WAIT_SECONDS)
        self._publish(f"https://agency.example/articles/{story.number}")

    @task(3)
    def shop(self):
        self._publish(f"https://www.shop.example/new/{self.random.getrandbits(40):010x}")

    def _publish(self, target):
        link = {"target": target, "customer": self.random.randrange(CUSTOMERS)}
        answer = self.call("shorten", "POST", "/links", json=link, ok=_made, result=_made)
        if answer is None or not _made(answer):
            return
        code = _made(answer)
        for _ in range(READERS):
            gevent.sleep(self.random.uniform(*OPENED_AFTER_SECONDS))
            self.call("fresh", "GET", f"/{code}", key=code, ok=_leads_to(target))


def _code(number):
    return f"{number * 2654435761 % 2**32:08x}"


def _target(number):
    return f"https://www.shop{number % CUSTOMERS}.example/spring/offers/{number}?from=poster"


def _leads_to(target):
    return lambda answer: answer.status_code in (301, 302, 303, 307, 308) and answer.headers["location"] == target


def _made(answer):
    """The code of a link that was made, else None."""
    return answer.json()["code"] if answer.status_code in (200, 201) else None
