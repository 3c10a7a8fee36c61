"""`clicks.main:app`: counts how often each link was opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from labkit import create_app, settings
from labkit.postgres import create_pool


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await create_pool(settings.url("postgres"), min_size=3, max_size=3, timeout=5, command_timeout=5)
    yield
    await app.state.pool.close()


app = create_app("clicks", lifespan=lifespan)


@app.post("/clicks/{code}", status_code=204)
async def count(code: str) -> None:
    await app.state.pool.execute("UPDATE links SET clicks = clicks + 1 WHERE code = $1", code)
