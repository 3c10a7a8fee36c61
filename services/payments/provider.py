"""What the provider does: take a charge once per idempotency key, no more at once than its capacity."""

from __future__ import annotations

import asyncio
import uuid

from pydantic import BaseModel, Field


class ChargeRequest(BaseModel):
    """What a caller sends; `amount` in cents. The same `idempotency_key` again gives the first charge back."""

    order_id: str = Field(min_length=1, max_length=100)
    amount: int = Field(gt=0)
    idempotency_key: str | None = Field(None, min_length=1, max_length=100)


class Charge(BaseModel):
    """A charge that was made, and whether it was given back since."""

    id: str
    order_id: str
    amount: int
    refunded: bool = False


class Busy(Exception):
    """More is asked for at once than the provider takes on."""


class Provider:
    """All charges, in memory. `work_seconds` is how long the card network takes over one."""

    def __init__(self, max_in_flight: int, work_seconds: float) -> None:
        self.charges: dict[str, Charge] = {}
        self._by_key: dict[str, asyncio.Future[Charge]] = {}
        self._in_flight = 0
        self._max_in_flight = max_in_flight
        self._work_seconds = work_seconds

    async def charge(self, request: ChargeRequest) -> Charge:
        """Make the charge, or give back the one made under its key. Raises Busy beyond the capacity."""
        if self._in_flight >= self._max_in_flight:
            raise Busy(f"{self._max_in_flight} charges are in flight")
        self._in_flight += 1
        try:
            key = request.idempotency_key
            if key is None:
                return await self._make(request)
            if key not in self._by_key:
                # A task of its own: a caller that goes away takes nothing back, and others may wait for it.
                self._by_key[key] = asyncio.ensure_future(self._make(request))
            return await asyncio.shield(self._by_key[key])
        finally:
            self._in_flight -= 1

    def standing(self, order_id: str | None) -> list[Charge]:
        """The charges that were not given back, of one order or all, the oldest first."""
        return [each for each in self.charges.values() if not each.refunded and order_id in (None, each.order_id)]

    def refund(self, charge_id: str) -> Charge:
        """Give a charge back, once however often it is asked for. Its key stays used. Raises KeyError."""
        charge = self.charges[charge_id]
        charge.refunded = True
        return charge

    async def _make(self, request: ChargeRequest) -> Charge:
        await asyncio.sleep(self._work_seconds)
        charge = Charge(id=uuid.uuid4().hex, order_id=request.order_id, amount=request.amount)
        self.charges[charge.id] = charge
        return charge
