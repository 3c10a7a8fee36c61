"""Accounts and what was charged to them, in Postgres."""

from __future__ import annotations

from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field


class Sale(BaseModel):
    """What a terminal wants charged; `amount` in cents, `reference` is printed on receipt and statement."""

    reference: str = Field(min_length=8, max_length=64)
    account: int
    amount: int = Field(gt=0)


class Charge(BaseModel):
    id: UUID
    reference: str
    account: int
    amount: int


class Books(BaseModel):
    """All that is on the accounts, and all that was taken from them."""

    balances: int
    charges: int


class Declined(Exception):
    """There is not enough on the account."""


class Ledger:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def charge(self, sale: Sale) -> Charge:
        """Take a sale's amount from its account. Raises Declined."""
        async with self._pool.acquire() as connection, connection.transaction():
            taken = await connection.fetchval(
                "UPDATE accounts SET balance = balance - $2 WHERE id = $1 AND balance >= $2 RETURNING id",
                sale.account,
                sale.amount,
            )
            if taken is None:
                raise Declined(f"account {sale.account} has less than {sale.amount}")
            row = await connection.fetchrow(
                "INSERT INTO charges (reference, account, amount) VALUES ($1, $2, $3) RETURNING *",
                sale.reference,
                sale.account,
                sale.amount,
            )
        return Charge(**row)

    async def charges(self, reference: str) -> list[Charge]:
        """The charges of a sale, the first one first."""
        rows = await self._pool.fetch("SELECT * FROM charges WHERE reference = $1 ORDER BY created_at", reference)
        return [Charge(**row) for row in rows]

    async def books(self) -> Books:
        row = await self._pool.fetchrow(
            """
            SELECT (SELECT sum(balance) FROM accounts) AS balances,
                   (SELECT coalesce(sum(amount), 0) FROM charges) AS charges
            """
        )
        return Books(**row)
