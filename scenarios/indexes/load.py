"""The back office: people who look for orders, a shop that sends new ones, vans that take them away."""

from __future__ import annotations

from loadgen import ArrivalUser, task

WHOLESALERS, CUSTOMERS = 40, 10000
WAREHOUSES = 20
COUNTRIES = ("AT", "BE", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL", "PT", "SE")
CARRIERS = ("Stork", "Pelican", "Swift")


class Clerk(ArrivalUser):
    weight = 60

    @task(45)
    def history(self):
        """What did this customer order lately? Wholesalers call as often as all others together."""
        customer = self.random.randrange(WHOLESALERS if self.random.random() < 0.5 else CUSTOMERS)
        self.call("history", "GET", f"/orders?customer={customer}", ok=_listed)

    @task(35)
    def worklist(self):
        """What has to leave this warehouse next?"""
        warehouse = self.random.randint(1, WAREHOUSES)
        self.call("worklist", "GET", f"/orders?status=open&warehouse={warehouse}&sort=oldest", ok=_listed)

    @task(20)
    def returns(self):
        """What came back from this country?"""
        country = self.random.choice(COUNTRIES)
        self.call("returns", "GET", f"/orders?status=returned&country={country}", ok=_listed)


class Shop(ArrivalUser):
    weight = 20

    @task
    def place(self):
        customer = self.random.randrange(CUSTOMERS)
        order = {
            "customer_id": customer,
            "warehouse": self.random.randint(1, WAREHOUSES),
            "country": COUNTRIES[customer % 12],
            "email": f"customer{customer}@example.com",
            "phone": f"+00 555 {100000 + customer}",
            "street": f"{1 + customer % 180} Mill Lane",
            "postcode": f"{10000 + customer * 37 % 90000}",
            "city": "Dunmore",
            "items": self.random.randint(1, 6),
            "weight_grams": self.random.randint(150, 9000),
            "total_cents": self.random.randint(490, 20000),
        }
        self.call("place", "POST", "/orders", json=order, ok=_created)


class Van(ArrivalUser):
    weight = 20

    @task
    def handover(self):
        handover = {
            "warehouse": self.random.randint(1, WAREHOUSES),
            "carrier": self.random.choice(CARRIERS),
            "van": f"van-{self.random.getrandbits(32):08x}",
            "places": 200,
        }
        self.call("handover", "POST", "/handovers", json=handover, ok=_created)


def _listed(response):
    return response.status_code == 200 and isinstance(response.json(), list)


def _created(response):
    return response.status_code == 201
