"""`sites.main:app`: one site of the hospital. The north site keeps the notes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Response

from labkit import create_app, settings
from labkit.postgres import create_pool
from sites.store import Note, Notes

MAIN_SITE = "north"
"""Where each note is kept, and the one site that answers."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(
        settings.url(settings.text("DATABASE")), min_size=5, max_size=5, timeout=5, command_timeout=5
    )
    app.state.notes = Notes(pool)
    yield
    await pool.close()


app = create_app(settings.text("SITE", "site"), lifespan=lifespan)


@app.put("/notes/{key}", status_code=204)
async def put(key: str, note: Note) -> Response:
    if settings.text("SITE") != MAIN_SITE:
        raise HTTPException(503, f"only the {MAIN_SITE} site takes notes")
    await app.state.notes.put(key, note)
    return Response(status_code=204)


@app.get("/notes/{key}")
async def get(key: str) -> Note:
    if settings.text("SITE") != MAIN_SITE:
        raise HTTPException(503, f"only the {MAIN_SITE} site has the notes")
    found: Note | None = await app.state.notes.get(key)
    if found is None:
        raise HTTPException(404, f"no note on {key}")
    return found
