"""The board's visitors: most leaf through categories, some look at an ad, and a few sell something."""

from __future__ import annotations

from http.cookies import SimpleCookie

from loadgen import ArrivalUser, task

CATEGORIES = ("bikes", "books", "chairs", "desks", "garden", "lamps", "music", "phones", "skis", "tools")
ADS = 100_000
SELLERS = 8_000


class Visitor(ArrivalUser):
    weight = 92

    @task(72)
    def browse(self):
        category = self.random.choice(CATEGORIES)
        self.call("browse", "GET", f"/ads?category={category}", ok=_full)

    @task(20)
    def look(self):
        self.call("ad", "GET", f"/ads/{self.random.randint(1, ADS)}")


class Seller(ArrivalUser):
    """Adds an ad and looks at it, makes an older one cheaper and looks again. It keeps cookies, as browsers do."""

    weight = 8

    @task
    def sell(self):
        older = self.random.randint(1, ADS)
        self._headers = {"X-User": f"seller-{1 + older * 7919 % SELLERS}"}  # as seed.sql gives them out
        self._cookies = SimpleCookie()
        price = {"price_cents": self.random.randint(2_000, 60_000)}
        ad = {"category": self.random.choice(CATEGORIES), "town": "Ashby", "title": "Moving out, must go"} | price
        self._look(self.call("write", "POST", "/ads", json=ad, headers=self._sent(), result=_whole))
        path = f"/ads/{older}/price"
        self._look(self.call("write", "PUT", path, json=price, headers=self._sent(), result=_whole))

    def _look(self, written):
        """The ad by itself and among the seller's own: both have to show what was just written, or something newer."""
        if written is None or written.status_code >= 400:
            return
        for line in written.headers.get_all("Set-Cookie", []):
            self._cookies.load(line)
        number, revision = written.json()["id"], written.json()["revision"]
        usual = {"headers": self._sent(), "key": str(number), "value": revision}
        self.call("own", "GET", f"/ads/{number}", ok=lambda answer: _since(revision, answer.json()), **usual)
        self.call("own", "GET", "/own/ads", ok=lambda answer: _among(number, revision, answer.json()["ads"]), **usual)

    def _sent(self):
        cookies = "; ".join(f"{name}={each.value}" for name, each in self._cookies.items())
        return self._headers | ({"Cookie": cookies} if cookies else {})


def _whole(answer):
    return answer.json()


def _since(revision, ad):
    return ad["revision"] >= revision


def _among(number, revision, ads):
    return any(each["id"] == number and _since(revision, each) for each in ads)


def _full(answer):
    content = answer.json()
    return answer.status_code == 200 and len(content["ads"]) == 20 and len(content["towns"]) == 25
