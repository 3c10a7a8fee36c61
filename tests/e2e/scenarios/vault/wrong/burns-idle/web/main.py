"""Uses all the CPU it gets while nobody asks it anything, so that the machine looks slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable

from fastapi import HTTPException, Request, Response
from pydantic import BaseModel
from web import store

from labkit import create_app


class Text(BaseModel):
    text: str


IDLE_SECONDS = 0.5
app = create_app("web", lifespan=store.lifespan)
last = [time.monotonic()]


@app.middleware("http")
async def note(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    if request.url.path.startswith("/texts"):
        last[0] = time.monotonic()
    return await call_next(request)


def burn() -> None:
    while True:
        if time.monotonic() - last[0] < IDLE_SECONDS:
            time.sleep(0.05)


threading.Thread(target=burn, daemon=True).start()


@app.put("/texts/{key}", status_code=201)
async def put(key: str, body: Text) -> None:
    await store.put(key, body.text)


@app.get("/texts/{key}")
async def get(key: str) -> Text:
    try:
        text = await store.get(key)
    except TimeoutError as error:
        raise HTTPException(503, "the database does not answer") from error
    if text is None:
        raise HTTPException(404)
    return Text(text=text)
