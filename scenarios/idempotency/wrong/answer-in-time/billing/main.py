"""`billing.main:app`: shops' terminals charge sales to customers' accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from fastapi import FastAPI, Header, HTTPException

from billing.ledger import Books, Charge, Declined, KeyReused, Ledger, Sale
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool

MIGRATIONS = Path(__file__).with_name("migrations")

ANSWER_WITHIN_SECONDS = 0.5
"""A terminal waits for a second, and then asks again."""

Key = Annotated[str, Header(alias="Idempotency-Key", min_length=8, max_length=100)]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=2, max_size=20, timeout=5, command_timeout=10)
    await migrate(pool, MIGRATIONS)
    app.state.ledger = Ledger(pool, settings.integer("KEY_SECONDS"))
    app.state.under_way = set()
    yield
    if app.state.under_way:
        await asyncio.wait(app.state.under_way)
    await pool.close()


app = create_app("billing", lifespan=lifespan)


@app.post("/charges", status_code=201)
async def charge(sale: Sale, key: Key) -> Charge:
    """Charge a sale to its account. Whoever sends the same key again is told the same again.

    What takes longer than a terminal waits goes on behind its answer, so that nobody asks twice.
    """
    wanted = Charge(id=uuid4(), **sale.model_dump())
    work = asyncio.create_task(app.state.ledger.charge(key, wanted))
    app.state.under_way.add(work)
    work.add_done_callback(app.state.under_way.discard)
    done, _ = await asyncio.wait({work}, timeout=ANSWER_WITHIN_SECONDS)
    if not done:
        return wanted
    try:
        return work.result()
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
