"""`links.main:app`: customers make short links; who opens one is sent on, and the click is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, HTTPException
from fastapi.responses import RedirectResponse

from labkit import create_app, settings
from labkit.forward import Forward
from labkit.migrations import migrate
from labkit.postgres import create_pool
from labkit.redis import create_client
from links.store import Link, Links, NewLink, Report

MIGRATIONS = Path(__file__).with_name("migrations")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    primary = await create_pool(settings.url("postgres"), min_size=5, max_size=5, timeout=5, command_timeout=5)
    await migrate(primary, MIGRATIONS)
    replica = await create_pool(
        settings.url("postgres-replica"), name="replica", min_size=4, max_size=4, timeout=5, command_timeout=5
    )
    redis = create_client(settings.url("redis"), timeout=5, retries=1)
    app.state.links = Links(primary, replica, redis)
    async with Forward(settings.url("clicks"), timeout=5) as clicks:
        app.state.clicks = clicks
        yield
    await redis.aclose()
    await replica.close()
    await primary.close()


app = create_app("links", lifespan=lifespan)


@app.post("/links", status_code=201)
async def make(new: NewLink) -> Link:
    return await app.state.links.make(new)


@app.get("/links/{code}")
async def report(code: str) -> Report:
    """A link and how often it was opened."""
    found = await app.state.links.report(code)
    if found is None:
        raise HTTPException(404, f"no link {code}")
    return found


@app.get("/{code}")
async def follow(code: str) -> RedirectResponse:
    target = await app.state.links.target(code)
    if target is None:
        raise HTTPException(404, f"no link {code}")
    await app.state.clicks.send("POST", f"/clicks/{code}")
    return RedirectResponse(target, 302)
