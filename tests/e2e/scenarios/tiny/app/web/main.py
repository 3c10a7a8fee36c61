"""`web.main:app`: counts visits in Redis; reads and writes a table through primary and replica."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from labkit import create_app, settings
from labkit.postgres import create_pool
from labkit.redis import create_client


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.redis = create_client(settings.url("redis"), timeout=5, retries=0)
    app.state.primary = await create_pool(settings.url("postgres"), min_size=1, max_size=2, timeout=5)
    app.state.replica = await create_pool(settings.url("postgres-replica"), min_size=1, max_size=2, timeout=5)
    yield
    await app.state.replica.close()
    await app.state.primary.close()
    await app.state.redis.aclose()


app = create_app("web", lifespan=lifespan)


@app.get("/visits")
async def visits() -> dict[str, int]:
    return {"visits": await app.state.redis.incr("visits")}


@app.put("/pages/{name}")
async def add_page(name: str) -> dict[str, str]:
    await app.state.primary.execute("INSERT INTO pages VALUES ($1) ON CONFLICT DO NOTHING", name)
    return {"name": name}


@app.get("/pages")
async def pages() -> list[str]:
    return [row["name"] for row in await app.state.replica.fetch("SELECT name FROM pages ORDER BY name")]
