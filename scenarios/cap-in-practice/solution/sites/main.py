"""`sites.main:app`: one site of the hospital. The north site keeps the notes; the south site asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Response

from labkit import create_app, settings
from labkit.forward import Forward
from labkit.postgres import create_pool
from sites.store import Note, Notes

MAIN_SITE = "north"
"""Where each note is kept, and the one site that goes on when the two cannot hear each other."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(
        settings.url(settings.text("DATABASE")), min_size=5, max_size=5, timeout=5, command_timeout=5
    )
    app.state.notes = Notes(pool)
    async with Forward(settings.url(settings.text("OTHER_SITE")), timeout=0.8) as other:
        app.state.other = other
        yield
    await pool.close()


app = create_app(settings.text("SITE", "site"), lifespan=lifespan)


async def ask_main_site(method: str, key: str, note: Note | None = None) -> Response:
    """The main site's answer. 503 when there is none: nobody here can know the newest note."""
    body = note.model_dump_json().encode() if note else None
    try:
        answer: Response = await app.state.other.send(method, f"/notes/{key}", body)
    except HTTPException as error:
        raise HTTPException(503, f"the {MAIN_SITE} site does not answer", headers={"Retry-After": "1"}) from error
    return answer


@app.put("/notes/{key}", status_code=204)
async def put(key: str, note: Note) -> Response:
    if settings.text("SITE") != MAIN_SITE:
        return await ask_main_site("PUT", key, note)
    await app.state.notes.put(key, note)
    return Response(status_code=204)


@app.get("/notes/{key}", response_model=Note)
async def get(key: str) -> Note | Response:
    if settings.text("SITE") != MAIN_SITE:
        return await ask_main_site("GET", key)
    found: Note | None = await app.state.notes.get(key)
    if found is None:
        raise HTTPException(404, f"no note on {key}")
    return found
