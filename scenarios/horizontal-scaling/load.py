"""Fans on the day that tickets go on sale: each signs in and looks in. One in ten tries somebody else's account."""

from __future__ import annotations

from loadgen import ArrivalUser, task

FANS = 1024


class Fan(ArrivalUser):
    @task(90)
    def sign_in(self):
        number = self.random.randrange(FANS)
        answer = self.call("sign_in", "POST", "/sessions", json=_credentials(number, f"secret-{number}"), ok=_let_in)
        if answer is not None and _let_in(answer):
            headers = {"Authorization": f"Bearer {answer.json()['token']}"}
            self.call("me", "GET", "/me", headers=headers, ok=lambda found: _is(found, number))

    @task(10)
    def guess(self):
        number = self.random.randrange(FANS)
        guessed = f"secret-{(number + 1 + self.random.randrange(9)) % FANS}"
        self.call("guess", "POST", "/sessions", json=_credentials(number, guessed), ok=_kept_out)


def _credentials(number, password):
    return {"name": f"fan{number}", "password": password}


def _let_in(response):
    return response.status_code == 201 and bool(response.json()["token"])


def _is(response, number):
    return response.status_code == 200 and response.json()["name"] == f"fan{number}"


def _kept_out(response):
    return response.status_code == 401
