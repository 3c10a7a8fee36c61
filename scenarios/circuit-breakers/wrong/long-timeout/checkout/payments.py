"""The payments provider, seen from here: POST /charges, once per order (the order's id is the idempotency key)."""

from __future__ import annotations

import asyncio
from typing import Self

import aiohttp

RETRIES = 2
BACKOFF_SECONDS = 0.1


class PaymentError(Exception):
    """The provider did not take the payment."""


class Payments:
    """A client of the provider at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        # No limit on connections: orders come in bursts, and none should wait for another one's payment.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=30)
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def charge(self, order_id: str, amount: int) -> str:
        """Have `amount` cents paid for the order; gives the charge's id. Raises PaymentError."""
        problem = ""
        for attempt in range(RETRIES + 1):
            if attempt:
                await asyncio.sleep(BACKOFF_SECONDS * attempt)
            try:
                return await self._post(order_id, amount)
            except (aiohttp.ClientError, TimeoutError, PaymentError) as error:
                problem = str(error) or type(error).__name__
        raise PaymentError(problem)

    async def _post(self, order_id: str, amount: int) -> str:
        charge = {"order_id": order_id, "amount": amount, "idempotency_key": order_id}
        async with self._session.post(f"{self._url}/charges", json=charge) as answer:
            if answer.status != 201:
                raise PaymentError(f"the provider answered {answer.status}")
            return (await answer.json())["id"]
