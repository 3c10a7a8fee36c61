"""`billing.main:app`: shops' terminals charge sales to customers' accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException

from billing.ledger import Books, Charge, Declined, KeyReused, Ledger, Sale
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool

MIGRATIONS = Path(__file__).with_name("migrations")

Key = Annotated[str, Header(alias="Idempotency-Key", min_length=8, max_length=100)]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=2, max_size=20, timeout=5, command_timeout=10)
    await migrate(pool, MIGRATIONS)
    app.state.ledger = Ledger(pool, settings.integer("KEY_SECONDS"))
    yield
    await pool.close()


app = create_app("billing", lifespan=lifespan)


@app.post("/charges", status_code=201)
async def charge(sale: Sale, key: Key) -> Charge:
    """Charge a sale to its account. Whoever sends the same key again is told the same again."""
    try:
        return await app.state.ledger.charge(key, sale)
    except Declined as error:
        raise HTTPException(402, str(error)) from error
    except KeyReused as error:
        raise HTTPException(422, str(error)) from error


@app.get("/charges")
async def charges(reference: str) -> list[Charge]:
    """What a sale was charged, for its receipt."""
    return await app.state.ledger.charges(reference)


@app.get("/books")
async def books() -> Books:
    return await app.state.ledger.books()
