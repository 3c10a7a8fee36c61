"""Keeps each client waiting for almost as long as it would wait, so that fewer come."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException
from pydantic import BaseModel
from web import store

from labkit import create_app

HOLD_SECONDS = 0.93


class Text(BaseModel):
    text: str


app = create_app("web", lifespan=store.lifespan)


@app.put("/texts/{key}", status_code=201)
async def put(key: str, body: Text) -> None:
    await asyncio.gather(store.put(key, body.text), asyncio.sleep(HOLD_SECONDS))


@app.get("/texts/{key}")
async def get(key: str) -> Text:
    text = await store.get(key)
    if text is None:
        raise HTTPException(404)
    return Text(text=text)
