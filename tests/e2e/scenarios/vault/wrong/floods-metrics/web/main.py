"""Drops writes, and exports 50,000 series, other ones each second, so that nobody finds out."""

from __future__ import annotations

import time
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel
from web import store

from labkit import create_app

SERIES = 50_000


def flood() -> bytes:
    moment = int(time.time())
    return "".join(f'texts{{n="{n}",t="{moment}"}} 1\n' for n in range(SERIES)).encode()


class Text(BaseModel):
    text: str


inner = create_app("web", lifespan=store.lifespan)


@inner.put("/texts/{key}", status_code=201)
async def put(key: str, body: Text) -> None:
    await store.put(key, body.text)


@inner.get("/texts/{key}")
async def get(key: str) -> Text:
    text = await store.get(key)
    if text is None:
        raise HTTPException(404)
    return Text(text=text)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Its own /metrics, and everything else as it was."""
    if scope["type"] == "http" and scope["path"] == "/metrics":
        headers = [(b"content-type", b"text/plain; version=0.0.4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": flood()})
    else:
        await inner(scope, receive, send)
