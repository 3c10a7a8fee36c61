"""Accounts and what was charged to them, in Postgres."""

from __future__ import annotations

from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

CLAIM = """
INSERT INTO keys (key, sale, expires_at) VALUES ($1, $2, now() + $3 * interval '1 second')
ON CONFLICT (key) DO UPDATE SET sale = excluded.sale, expires_at = excluded.expires_at, charge_id = NULL
WHERE keys.expires_at < now()
RETURNING key
"""
FIRST = "SELECT c.*, k.sale = $2::jsonb AS same FROM keys k JOIN charges c ON c.id = k.charge_id WHERE k.key = $1"


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


class KeyReused(Exception):
    """The key was used for another sale, not long ago."""


class Ledger:
    def __init__(self, pool: asyncpg.Pool, key_seconds: int) -> None:
        self._pool = pool
        self._key_seconds = key_seconds

    async def charge(self, key: str, wanted: Charge) -> Charge:
        """Take a sale's amount from its account, once for each key. Raises Declined or KeyReused."""
        sale = wanted.model_dump_json(exclude={"id"})
        async with self._pool.acquire() as connection, connection.transaction():
            # Whoever comes second waits here until the first one's transaction has ended.
            if not await connection.fetchval(CLAIM, key, sale, self._key_seconds):
                first = await connection.fetchrow(FIRST, key, sale)
                if not first["same"]:
                    raise KeyReused(f"the key {key} was used for another sale")
                return Charge(**first)
            taken = await connection.fetchval(
                "UPDATE accounts SET balance = balance - $2 WHERE id = $1 AND balance >= $2 RETURNING id",
                wanted.account,
                wanted.amount,
            )
            if taken is None:
                raise Declined(f"account {wanted.account} has less than {wanted.amount}")
            await connection.execute(
                "INSERT INTO charges (id, reference, account, amount) VALUES ($1, $2, $3, $4)",
                wanted.id,
                wanted.reference,
                wanted.account,
                wanted.amount,
            )
            await connection.execute("UPDATE keys SET charge_id = $2 WHERE key = $1", key, wanted.id)
        return wanted

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
