"""`front.main:app`: sends each nurse's request on to the site that she is at, and says what the system promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from fastapi import FastAPI, Request, Response

from labkit import create_app, settings
from labkit.forward import Forward
from sites.promise import PROMISE


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with Forward(settings.url("north"), timeout=5) as north, Forward(settings.url("south"), timeout=5) as south:
        app.state.sites = {"north": north, "south": south}
        yield


app = create_app("front", lifespan=lifespan)


@app.get("/promise")
async def promise() -> dict[str, str]:
    return {"promise": PROMISE}


@app.api_route("/{site}/notes/{key}", methods=["GET", "PUT"])
async def notes(site: Literal["north", "south"], key: str, request: Request) -> Response:
    return await app.state.sites[site].send(request.method, f"/notes/{key}", await request.body() or None)
