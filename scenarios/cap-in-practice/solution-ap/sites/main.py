"""`sites.main:app`: one site of the hospital. It keeps notes on patients, and hears of the other site's soon after."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException, Response
from pydantic import TypeAdapter

from labkit import create_app, settings
from labkit.forward import Forward
from labkit.postgres import create_pool
from sites.store import Copy, Note, Notes

EVERY_SECONDS = 0.5
COPIES = TypeAdapter(list[Copy])

_log = logging.getLogger("sites")


async def meet(notes: Notes, other: Forward) -> None:
    """Ask the other site for its notes, again and again: what was missed in a partition comes with the next answer."""
    while True:
        try:
            answer = await other.send("GET", "/copies")
            if answer.status_code == 200:
                await notes.merge(COPIES.validate_json(answer.body))
        except (HTTPException, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            _log.warning("later: %r", error)
        await asyncio.sleep(EVERY_SECONDS)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = await create_pool(
        settings.url(settings.text("DATABASE")), min_size=5, max_size=5, timeout=5, command_timeout=5
    )
    app.state.notes = Notes(pool)
    async with Forward(settings.url(settings.text("OTHER_SITE")), timeout=0.8) as other:
        meeting = asyncio.create_task(meet(app.state.notes, other))
        yield
        meeting.cancel()
    await pool.close()


app = create_app(settings.text("SITE", "site"), lifespan=lifespan)


@app.put("/notes/{key}", status_code=204)
async def put(key: str, note: Note) -> Response:
    """Write a note here; the other site fetches it."""
    await app.state.notes.put(key, note)
    return Response(status_code=204)


@app.get("/notes/{key}")
async def get(key: str) -> Note:
    """The note as this site has it."""
    found = await app.state.notes.get(key)
    if found is None:
        raise HTTPException(404, f"no note on {key}")
    return found


@app.get("/copies")
async def copies() -> list[Copy]:
    """All notes of this site, for the other one."""
    return await app.state.notes.copies()
