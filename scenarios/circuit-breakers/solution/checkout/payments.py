"""The payments provider, seen from here: POST /charges, once per order (the order's id is the idempotency key)."""

from __future__ import annotations

from typing import Self

import aiohttp

from checkout.breaker import Breaker

TIMEOUT_SECONDS = 0.5
CONNECTIONS = 12


class PaymentError(Exception):
    """The provider did not take the payment."""


class Payments:
    """A client of the provider at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._breaker = Breaker(failures=5, rest_seconds=1.0)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def charge(self, order_id: str, amount: int) -> str:
        """Have `amount` cents paid for the order; gives the charge's id. One try, or none. Raises PaymentError."""
        if not self._breaker.allows():
            raise PaymentError("the provider has a rest")
        try:
            charge_id = await self._post(order_id, amount)
        except (aiohttp.ClientError, TimeoutError, PaymentError) as error:
            self._breaker.failed()
            raise PaymentError(str(error) or type(error).__name__) from error
        self._breaker.succeeded()
        return charge_id

    async def _post(self, order_id: str, amount: int) -> str:
        charge = {"order_id": order_id, "amount": amount, "idempotency_key": order_id}
        async with self._session.post(f"{self._url}/charges", json=charge) as answer:
            if answer.status != 201:
                raise PaymentError(f"the provider answered {answer.status}")
            return (await answer.json())["id"]
