"""`desk.main:app`: takes entries, which a keeper will book, and shows the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from books.store import MIGRATIONS, Books, Entry, Line
from labkit import create_app, settings
from labkit.migrations import migrate
from labkit.postgres import create_pool


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(settings.url("postgres"), min_size=2, max_size=10, timeout=5, command_timeout=5)
    await migrate(pool, MIGRATIONS)
    app.state.books = Books(pool)
    yield
    await pool.close()


app = create_app("desk", lifespan=lifespan)


@app.post("/entries", status_code=202)
async def hand_in(entry: Entry) -> Entry:
    """Accept an entry. It will be in the journal in a moment."""
    await app.state.books.put(entry)
    return entry


@app.get("/entries/{entry_id}")
async def look_up(entry_id: str) -> list[Line]:
    """Where an entry stands in the journal."""
    return await app.state.books.lines(entry_id)


@app.get("/journal")
async def journal() -> list[Line]:
    return await app.state.books.journal()
