"""`board.main:app`: the ads. Who is logged in comes in the header X-User."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Cookie, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from board.database import Database
from labkit import create_app, settings
from labkit.postgres import create_pool

NEWEST = """
    SELECT id, title, town, price_cents, revision
    FROM ads
    WHERE category = $1
    ORDER BY created_at DESC
    LIMIT 20
"""
TOWNS = """
    SELECT town, count(*) AS ads, min(price_cents) AS cheapest
    FROM ads
    WHERE category = $1
    GROUP BY town
    ORDER BY ads DESC, town
"""
AD = "SELECT id, seller, category, town, title, price_cents, revision FROM ads WHERE id = $1"
OWN = "SELECT id, title, price_cents, revision FROM ads WHERE seller = $1 ORDER BY created_at DESC LIMIT 20"
ADD = "INSERT INTO ads (seller, category, town, title, price_cents) VALUES ($1, $2, $3, $4, $5) RETURNING id, revision"
REPRICE = """
    UPDATE ads SET price_cents = $3, revision = revision + 1
    WHERE id = $1 AND seller = $2
    RETURNING id, revision
"""

User = Annotated[str, Header(alias="X-User", min_length=1, max_length=64)]
Seen = Annotated[str | None, Cookie(alias="written", pattern="^[0-9A-F]{1,8}/[0-9A-F]{1,8}$")]


class NewAd(BaseModel):
    category: str = Field(max_length=40)
    town: str = Field(max_length=40)
    title: str = Field(min_length=1, max_length=120)
    price_cents: int = Field(ge=1, le=10_000_000)


class Price(BaseModel):
    price_cents: int = Field(ge=1, le=10_000_000)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    primary = await create_pool(settings.url("postgres"), min_size=10, max_size=10, timeout=2)
    replicas = await create_pool(
        settings.url("postgres-replica"), name="replicas", min_size=12, max_size=12, timeout=0.7
    )
    app.state.database = Database(primary, replicas)
    yield
    await replicas.close()
    await primary.close()


app = create_app("board", lifespan=lifespan)


@app.exception_handler(TimeoutError)
async def busy(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"detail": "busy, please try again"}, 503, {"Retry-After": "1"})


@app.get("/ads")
async def browse(category: str) -> dict[str, Any]:
    """A category's first page: its newest ads, and how many there are in which town."""
    newest = await app.state.database.read(NEWEST, category, costly=True)
    towns = await app.state.database.read(TOWNS, category, costly=True)
    return {"ads": [dict(row) for row in newest], "towns": [dict(row) for row in towns]}


@app.get("/ads/{ad_id}")
async def ad(ad_id: int, seen: Seen = None) -> dict[str, Any]:
    rows = await app.state.database.read(AD, ad_id, seen=seen)
    if not rows:
        raise HTTPException(404, f"no ad {ad_id}")
    return dict(rows[0])


@app.get("/own/ads")
async def own(user: User, seen: Seen = None) -> dict[str, Any]:
    rows = await app.state.database.read(OWN, user, seen=seen)
    return {"ads": [dict(row) for row in rows]}


@app.post("/ads", status_code=201)
async def add(new: NewAd, user: User, response: Response) -> dict[str, int]:
    row, position = await app.state.database.write(ADD, user, new.category, new.town, new.title, new.price_cents)
    response.set_cookie("written", position)
    return dict(row)


@app.put("/ads/{ad_id}/price")
async def reprice(ad_id: int, price: Price, user: User, response: Response) -> dict[str, int]:
    row, position = await app.state.database.write(REPRICE, ad_id, user, price.price_cents)
    if row is None:
        raise HTTPException(404, f"no ad {ad_id} of {user}")
    response.set_cookie("written", position)
    return dict(row)
