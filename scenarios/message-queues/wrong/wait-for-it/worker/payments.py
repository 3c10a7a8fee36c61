"""The payments provider, seen from here: POST /charges. The same ride is never charged twice there."""

from __future__ import annotations

from typing import Self

import aiohttp

from charging.jobs import Ride

TIMEOUT_SECONDS = 10.0


class PaymentError(Exception):
    """The provider did not take the payment."""


class Refused(PaymentError):
    """The provider will never take it."""


class Payments:
    """A client of the provider at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def charge(self, ride: Ride) -> str:
        """Have the fare paid; gives the charge's id. Raises PaymentError, or Refused when it is no use to try again."""
        charge = {"order_id": ride.id, "amount": ride.fare, "idempotency_key": ride.id}
        async with self._session.post(f"{self._url}/charges", json=charge) as answer:
            if 400 <= answer.status < 500:
                raise Refused(f"the provider answered {answer.status}")
            if answer.status != 201:
                raise PaymentError(f"the provider answered {answer.status}")
            return (await answer.json())["id"]
