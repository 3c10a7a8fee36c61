"""`sites.main:app`: one site of the hospital. It keeps notes on patients, and tells the other site of each."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Response

from labkit import create_app, settings
from labkit.forward import Forward
from labkit.postgres import create_pool
from sites.store import Note, Notes

_log = logging.getLogger("sites")


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


@app.put("/notes/{key}", status_code=204)
async def put(key: str, note: Note) -> Response:
    """Write a note here, and at the other site as well."""
    await app.state.notes.put(key, note)
    try:
        await app.state.other.send("PUT", f"/copies/{key}", note.model_dump_json().encode())
    except HTTPException as error:
        _log.warning("the other site does not have %s: %s", key, error.detail)
    return Response(status_code=204)


@app.get("/notes/{key}")
async def get(key: str) -> Note:
    """The note as this site has it."""
    found = await app.state.notes.get(key)
    if found is None:
        raise HTTPException(404, f"no note on {key}")
    return found


@app.put("/copies/{key}", status_code=204)
async def copy(key: str, note: Note) -> Response:
    """A note that was written at the other site."""
    await app.state.notes.put(key, note)
    return Response(status_code=204)
