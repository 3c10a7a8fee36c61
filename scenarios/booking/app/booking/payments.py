"""The payments provider, seen from here. It charges each `idempotency_key` once, and gives a charge back when asked."""

from __future__ import annotations

from typing import Any, Self

import aiohttp

TIMEOUT_SECONDS = 10.0


class PaymentError(Exception):
    """The provider did not say that it was paid."""


class Payments:
    """A client of the provider at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def charge(self, order_id: str, amount: int) -> str:
        """Charge an order to the customer's card; gives the charge's id. Raises PaymentError."""
        charge = {"order_id": order_id, "amount": amount, "idempotency_key": order_id}
        made = await self._ask("POST", "/charges", json=charge)
        return str(made["id"])

    async def charges(self) -> list[dict[str, Any]]:
        """All charges that stand: `id`, `order_id` and `amount` of each. Raises PaymentError."""
        found: list[dict[str, Any]] = await self._ask("GET", "/charges")
        return found

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        try:
            async with self._session.request(method, f"{self._url}{path}", **more) as answer:
                if answer.status >= 400:
                    raise PaymentError(f"{method} {path}: {answer.status}")
                return await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PaymentError(f"{method} {path}: {error!r}") from error
