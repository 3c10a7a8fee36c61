"""`web.main:app`: keeps notes in Postgres; ACKNOWLEDGE says whether it answers before or after they are there."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from labkit import create_app, settings
from labkit.postgres import create_pool

log = logging.getLogger("notes")
SAVE_SECONDS = 0.5


class Note(BaseModel):
    text: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await create_pool(settings.url("postgres"), min_size=2, max_size=4, timeout=2)
    app.state.saving = set()
    yield
    await app.state.pool.close()


app = create_app("web", lifespan=lifespan)


async def save(key: str, text: str) -> bool:
    statement = "INSERT INTO notes VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET text = excluded.text"
    try:
        async with asyncio.timeout(SAVE_SECONDS):
            await app.state.pool.execute(statement, key, text)
    except Exception as error:
        log.warning("note %s: %r", key, error)
        return False
    return True


@app.put("/notes/{key}", status_code=201)
async def put(key: str, note: Note) -> None:
    saving = asyncio.create_task(save(key, note.text))
    app.state.saving.add(saving)
    saving.add_done_callback(app.state.saving.discard)
    if os.environ["ACKNOWLEDGE"] == "after" and not await saving:
        raise HTTPException(503, "not saved")


@app.get("/notes/{key}")
async def get(key: str) -> Note:
    row = await app.state.pool.fetchrow("SELECT text FROM notes WHERE key = $1", key)
    if row is None:
        raise HTTPException(404)
    return Note(text=row["text"])
